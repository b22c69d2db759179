// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** Between the JSON the server speaks and the buffers the browser wants. Safari 17.5 has no fromJSON of its own. */
interface DescriptorJSON {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}

export interface RequestJSON {
  publicKey: Omit<PublicKeyCredentialRequestOptions, "challenge" | "allowCredentials"> & {
    challenge: string;
    allowCredentials?: DescriptorJSON[] | null;
  };
}

export interface CreationJSON {
  publicKey: Omit<PublicKeyCredentialCreationOptions, "challenge" | "user" | "excludeCredentials"> & {
    challenge: string;
    user: { id: string; name: string; displayName: string };
    excludeCredentials?: DescriptorJSON[] | null;
  };
}

export function requestFrom(json: RequestJSON): PublicKeyCredentialRequestOptions {
  const { challenge, allowCredentials, ...rest } = json.publicKey;
  return {
    ...rest,
    challenge: fromBase64Url(challenge),
    ...(allowCredentials ? { allowCredentials: allowCredentials.map(descriptorFrom) } : {}),
  };
}

/** `isPasswordless` null leaves the server's choice of resident key alone. */
export function creationFrom(json: CreationJSON, isPasswordless: boolean | null): PublicKeyCredentialCreationOptions {
  const { challenge, user, excludeCredentials, ...rest } = json.publicKey;
  return {
    ...rest,
    challenge: fromBase64Url(challenge),
    user: { ...user, id: fromBase64Url(user.id) },
    ...(excludeCredentials ? { excludeCredentials: excludeCredentials.map(descriptorFrom) } : {}),
    ...(isPasswordless === null ? {} : { authenticatorSelection: selection(rest.authenticatorSelection, isPasswordless) }),
  };
}

export function credentialToJSON(credential: PublicKeyCredential): Record<string, unknown> {
  return {
    type: credential.type,
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment,
    response: responseToJSON(credential.response),
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function responseToJSON(response: AuthenticatorResponse): Record<string, unknown> {
  const clientDataJSON = toBase64Url(response.clientDataJSON);
  if (response instanceof AuthenticatorAttestationResponse) {
    const attestationObject = toBase64Url(response.attestationObject);
    return { clientDataJSON, attestationObject, transports: response.getTransports() };
  }
  const assertion = response as AuthenticatorAssertionResponse;
  return {
    clientDataJSON,
    authenticatorData: toBase64Url(assertion.authenticatorData),
    signature: toBase64Url(assertion.signature),
    userHandle: assertion.userHandle ? toBase64Url(assertion.userHandle) : null,
  };
}

function selection(
  given: AuthenticatorSelectionCriteria | undefined,
  isPasswordless: boolean,
): AuthenticatorSelectionCriteria {
  return {
    ...given,
    residentKey: isPasswordless ? "required" : "discouraged",
    requireResidentKey: isPasswordless,
    ...(isPasswordless ? { userVerification: "required" } : {}),
  };
}

function descriptorFrom(json: DescriptorJSON): PublicKeyCredentialDescriptor {
  return { ...json, id: fromBase64Url(json.id) };
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}

export function toBase64Url(buffer: ArrayBuffer | Uint8Array): string {
  const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/**
 * Passkeys for the sign-in pages. A form says what it does in `data-passkey`:
 * `login` fetches its request from the form's own address, `authenticate`, `add` and `signup` find it in #js_data.
 */
import { type CreationJSON, creationFrom, credentialToJSON, type RequestJSON, requestFrom } from "../core/webauthn";
import { showToast } from "./toasts";

export function installPasskeys(root: Document): void {
  for (const form of root.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
    const starters = root.querySelectorAll<HTMLButtonElement>(`[data-passkey-start="${form.id}"]`);
    for (const button of starters) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        void run(form, button);
      });
    }
  }
}

async function run(form: HTMLFormElement, button: HTMLButtonElement): Promise<void> {
  const field = form.elements.namedItem("credential");
  if (!(field instanceof HTMLInputElement)) return;
  button.disabled = true;
  try {
    field.value = JSON.stringify(credentialToJSON(await ceremony(form)));
    form.submit();
  } catch (error) {
    button.disabled = false;
    if (isGivenUp(error)) return;
    showToast(form.dataset["failed"] ?? String(error), "fail");
  }
}

async function ceremony(form: HTMLFormElement): Promise<PublicKeyCredential> {
  const kind = form.dataset["passkey"];
  const isNew = kind === "add" || kind === "signup";
  const credential = isNew
    ? await navigator.credentials.create({ publicKey: creationFor(form) })
    : await navigator.credentials.get({ publicKey: requestFrom(await requestFor(form)) });
  if (!credential) throw new Error("The browser gave no credential.");
  return credential as PublicKeyCredential;
}

async function requestFor(form: HTMLFormElement): Promise<RequestJSON> {
  if (form.dataset["passkey"] !== "login") return pageData<{ request_options: RequestJSON }>().request_options;
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return ((await answer.json()) as { request_options: RequestJSON }).request_options;
}

function creationFor(form: HTMLFormElement): PublicKeyCredentialCreationOptions {
  const options = pageData<{ creation_options: CreationJSON }>().creation_options;
  const passwordless = form.elements.namedItem("passwordless");
  return creationFrom(options, passwordless instanceof HTMLInputElement ? passwordless.checked : null);
}

function pageData<T>(): T {
  return JSON.parse(document.getElementById("js_data")?.textContent ?? "{}") as T;
}

function isGivenUp(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The token Django put into the page; the cookie's name depends on the deployment, the meta element does not. */
export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}

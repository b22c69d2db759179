// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
/** The six marks a state can carry; the class and the sprite's symbol share the name. */
export type Mark = "queue" | "run" | "wait" | "ok" | "fail" | "skip0";

const MARKS: readonly Mark[] = ["queue", "run", "wait", "ok", "fail", "skip0"];

/** Gives an element that holds a glyph (`.gl`, `.pill`, `.span`) another mark. */
export function setMark(element: Element, mark: Mark): void {
  element.classList.remove(...MARKS);
  element.classList.add(mark);
  const use = element.querySelector("use");
  const address = use?.getAttribute("href");
  if (use && address) use.setAttribute("href", address.replace(/#.*$/, `#g-${mark}`));
}

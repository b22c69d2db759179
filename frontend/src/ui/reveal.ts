// SPDX-License-Identifier: LicenseRef-NIA-Proprietary

/** A value is shown for a while: the seconds are counted, then it is taken off the page before the page leaves. */
export function installReveal(root: Document): void {
  const card = root.querySelector<HTMLElement>("[data-shown-seconds]");
  const left = card?.querySelector<HTMLElement>("[data-seconds-left]");
  if (!card || !left) return;
  const ends = performance.now() + Number(card.dataset["shownSeconds"]) * 1000;
  const timer = window.setInterval(() => {
    const seconds = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    left.textContent = String(seconds);
    if (seconds > 0) return;
    window.clearInterval(timer);
    takeOff(card);
  }, 250);
  // A page that is put aside must not come back with it.
  window.addEventListener("pagehide", () => takeOff(card));
}

/** A veiled field gets a button that lifts the veil while something is typed. */
export function installVeils(root: Document): void {
  for (const field of root.querySelectorAll<HTMLTextAreaElement>("textarea[data-veil]")) {
    const button = root.createElement("button");
    button.type = "button";
    button.className = "btn sm quiet start";
    button.setAttribute("aria-pressed", "false");
    button.textContent = field.dataset["veil"] ?? "";
    button.addEventListener("click", () => {
      const isVeiled = field.classList.toggle("veiled");
      button.setAttribute("aria-pressed", String(!isVeiled));
      button.textContent = (isVeiled ? field.dataset["veil"] : field.dataset["unveil"]) ?? "";
    });
    field.after(button);
  }
}

function takeOff(card: HTMLElement): void {
  for (const field of card.querySelectorAll("textarea")) field.value = field.textContent = "";
}

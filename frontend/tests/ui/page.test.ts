// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { beforeEach, describe, expect, it, vi } from "vitest";
import { matches } from "../../src/ui/commands";
import { installMenus } from "../../src/ui/menus";
import { installTheme } from "../../src/ui/theme";
import { installToasts, showToast } from "../../src/ui/toasts";

const TOASTS = `<div data-toasts><template><div class="toast"><span class="gl ok"></span>
  <span data-text></span><button data-dismiss></button></div></template></div>`;

describe("toasts", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    document.body.innerHTML = TOASTS;
    installToasts(document);
  });

  it("go after six seconds, a failure only when dismissed", () => {
    showToast("Saved");
    showToast("Could not save", "fail");
    vi.advanceTimersByTime(6000);

    const left = document.querySelectorAll(".toast");
    expect(left).toHaveLength(1);
    expect(left[0]?.getAttribute("role")).toBe("alert");
    left[0]?.querySelector("button")?.click();
    expect(document.querySelector(".toast")).toBeNull();
  });

  it("wait while the pointer is on them", () => {
    showToast("Saved");
    document.querySelector(".toast")?.dispatchEvent(new Event("pointerenter"));
    vi.advanceTimersByTime(60_000);

    expect(document.querySelectorAll(".toast")).toHaveLength(1);
  });

  it("are three at most", () => {
    for (const text of ["1", "2", "3", "4"]) showToast(text);

    expect([...document.querySelectorAll("[data-text]")].map((toast) => toast.textContent)).toEqual(["2", "3", "4"]);
  });
});

describe("the theme", () => {
  it("changes at once and is remembered", () => {
    document.body.innerHTML = '<form data-theme-form><button name="theme" value="dark">Dark</button></form>';
    installTheme(document);
    document.querySelector("button")?.click();

    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(document.cookie).toContain("theme=dark");
  });
});

describe("menus", () => {
  it("close with Escape and give the focus back", () => {
    document.body.innerHTML = '<details class="drop-menu" open><summary>Menu</summary></details>';
    installMenus(document);
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));

    expect(document.querySelector("details")?.open).toBe(false);
    expect(document.activeElement?.tagName).toBe("SUMMARY");
  });
});

it("finds a page by any part of its name", () => {
  expect(matches("Settings, members", "MEMB")).toBe(true);
  expect(matches("Runs", "flows")).toBe(false);
});

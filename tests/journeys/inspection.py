# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Looks at a page as people do who see little, use no mouse, or hold it in one hand."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# The laws of WCAG 2.1 AA, and axe's own rules about landmarks, skip links and headings.
RULES: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "rules": {
        name: {"enabled": True}
        for name in ("region", "landmark-one-main", "page-has-heading-one", "skip-link", "heading-order")
    },
    "resultTypes": ["violations"],
}
# A theme changes colors and nothing else.
COLOR_RULES = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
# In one question: a locator's own first needs a world beside the page's, made anew for every page.
COUNTS = "names => names.map((name) => document.querySelectorAll(name).length)"
WIDE, HALF, NARROW = 1440, 720, 320  # 720 is what 1440 shows at a zoom of 200 %
OVERHANG = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return "";
  const outside = [...document.body.querySelectorAll("*")].filter(
    (element) => element.getBoundingClientRect().right > clientWidth + 0.5);
  const names = outside.map((element) => `${element.tagName.toLowerCase()}.${element.className}`);
  return `${scrollWidth - clientWidth} px (${names.slice(0, 8).join(", ")})`;
}"""


def faults_of(page: Page, *, has_skip_link: bool = True) -> list[str]:
    """Return everything that is wrong with the page that is open, in words that name the place.

    A page with nothing before its content needs no link that skips it.
    """
    page.emulate_media(reduced_motion="reduce")  # a color on its way to another has the contrast of neither
    found = _structure(page, {"h1": 1, "main": 1, "a.skip[href='#main']": int(has_skip_link)})
    for theme, rules in (("light", RULES), ("dark", COLOR_RULES)):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        found += [f"{theme}: {fault}" for fault in _axe(page, rules)]
    for width in (NARROW, HALF, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        if overhang := page.evaluate(OVERHANG):
            found.append(f"{overhang} hang over at a width of {width}")
    return [f"{page.url}: {fault}" for fault in found]


def _structure(page: Page, counts: dict[str, int]) -> list[str]:
    found = dict(zip(counts, page.evaluate(COUNTS, list(counts)), strict=True))
    return [f"{found[name]} of {name}" for name, wanted in counts.items() if found[name] != wanted]


def _axe(page: Page, rules: dict[str, Any]) -> list[str]:
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)  # half a megabyte: once for each page
    result = page.evaluate("rules => axe.run(document, rules)", rules)
    return [
        f"{violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]

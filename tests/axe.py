"""What axe-core finds against WCAG 2.2 AA on a page, fast enough for pages of thousands of elements.

The contrast of a text takes axe-core some 2 ms, all other rules together a tenth of that; and a long page repeats the same few looks. So the
contrast is measured once for each look: a place in the tree, by tags, whose colours, fonts and ways to be laid over others are the same up to
the root. All other rules go through every element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded by whoever opens a browser
    from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_CONTRAST = "color-contrast"
_REPEATED = """() => {
  const traits = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow", "filter", "mixBlendMode",
    "position", "float", "zIndex", "transform", "clipPath", "overflow"];
  const numbers = new Map(), seen = new Set(), repeated = [];
  const number = (text) => numbers.get(text) ?? (numbers.set(text, numbers.size), numbers.size - 1);
  const hasText = (one) => /^(INPUT|SELECT|TEXTAREA)$/.test(one.tagName)
    || [...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  // Whether something in the tree of `one` has a look that was not seen before. What shows nothing is no look.
  const isNew = (one, above) => {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const own = traits.map((name) => style[name]);
    own.push(one.tagName, one.matches(":disabled, [aria-disabled=true], [inert]"), box.right > 0 && box.bottom > 0);
    const look = number(`${above} ${own}`);
    const shows = box.width > 1 && box.height > 1 && one.checkVisibility({visibilityProperty: true, opacityProperty: true});
    let found = shows && hasText(one) && !seen.has(look);
    if (found) seen.add(look);
    const old = [];
    for (const child of one.children) {
      if (isNew(child, look)) found = true;
      else old.push(child);
    }
    if (found) repeated.push(...old);
    return found;
  };
  isNew(document.documentElement, -1);
  return repeated;
}"""
_RUN = f"""async (rules) => {{
  const run = async (context, options) => (await axe.run(context, {{...options, resultTypes: ["violations"]}})).violations;
  const repeated = ({_REPEATED})();
  const contrast = {{include: [document], exclude: repeated}};
  const found = [
    ...await run(document, {{runOnly: {{type: "tag", values: rules}}, rules: {{"{_CONTRAST}": {{enabled: false}}}}}}),
    ...await run(contrast, {{runOnly: {{type: "rule", values: ["{_CONTRAST}"]}}}}),
  ];
  return found.map((one) => `${{one.id}}: ${{one.help}}: ${{one.nodes[0].html.slice(0, 200)}}`);
}}"""


def violations(page: Page) -> list[str]:
    """What axe-core finds on a page as it is now: of each rule that is broken its name, what it asks for, the first element."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(AXE_SCRIPT)
    return page.evaluate(_RUN, list(RULES))

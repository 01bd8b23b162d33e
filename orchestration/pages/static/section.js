// What pages do beyond links and forms. Each of it can be missing: the pages work without a script.
"use strict";

// A form that changes something for good asks first. Without a script the server asks, by a page.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (!question) return;
  if (window.confirm(question)) {
    event.target.elements.confirmed.value = "true";
  } else {
    event.preventDefault();
    event.stopPropagation();
  }
}, true);

// A menu closes when something else is clicked, or with Escape, which leaves the keyboard at its button.
const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Nor does it stay open behind a keyboard that has gone on.
document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A part of the page that is replaced while somebody's keyboard is in it: it stays at the same link, button or field.
const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
const likeness = (one) => one.id ? `#${one.id}` : `${one.tagName} ${one.name || ""} ${one.getAttribute("href") || one.textContent.trim()}`;
let left = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const focused = document.activeElement;
  if (focused === document.body) return; // what another part left, which is not settled yet, stays known
  left = event.detail.target.contains(focused) ? likeness(focused) : null;
});
document.addEventListener("htmx:afterSettle", () => {
  const found = left !== null && document.activeElement === document.body
    && [...document.querySelectorAll(FOCUSABLE)].find((one) => likeness(one) === left);
  left = null;
  if (found) found.focus({ preventScroll: true });
});

// What only a script can do is offered where one runs; a button with `data-copy` copies the field that it names.
for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand("copy"); }
  button.textContent = "Copied";
});

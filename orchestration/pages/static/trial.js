// A test that shows each step when it ends. Without this file the page comes back with all steps at once.
"use strict";

async function follow(form, list) {
  if (list.getAttribute("aria-busy") === "true") return; // the button is not disabled: it would lose the keyboard
  list.replaceChildren();
  list.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/x-ndjson" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) list.insertAdjacentHTML("beforeend", JSON.parse(line).html);
    }
  } catch (error) {
    const item = document.createElement("li");
    item.className = "verdict bad";
    item.textContent = `The test was cut off: ${error.message}. Try again.`;
    list.append(item);
  } finally {
    list.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const list = document.getElementById(event.target.dataset.live || "");
  if (!list) return;
  event.preventDefault();
  follow(event.target, list);
});

// The SQL page: Ctrl+Enter runs, and what runs can be stopped while its page is awaited.
"use strict";

const form = document.getElementById("sql-form");
const stop = document.getElementById("sql-stop");

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button.main"));
  }
});

form.addEventListener("submit", (event) => {
  const isRun = !event.submitter || !event.submitter.hasAttribute("formaction");
  stop.hidden = !isRun;
});

// What has not begun yet cannot be stopped: the button stays for another try.
stop.addEventListener("click", async () => {
  const body = new URLSearchParams({ form_token: form.elements.form_token.value });
  stop.disabled = true;
  const answer = await fetch(form.dataset.cancel, { method: "POST", body, redirect: "manual" });
  stop.disabled = answer.type === "opaqueredirect";
});

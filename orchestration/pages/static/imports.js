// What the pages of import tasks do beyond links and forms: choosing survives a refresh, and to delete is asked in a dialog.
"use strict";

(() => {
  const boxes = () => [...document.querySelectorAll('input[name="task"][form="chosen"]')];
  const chosen = () => boxes().filter((box) => box.checked);
  const all = document.getElementById("choose-all");
  const ask = document.getElementById("ask");
  let kept = new Set(), focused = null, opener = "";

  // How many are chosen; without any there is nothing to do with them.
  function tell() {
    const count = chosen().length, form = document.getElementById("chosen");
    if (!form) return;
    document.getElementById("count").textContent = count ? `${count.toLocaleString("en")} chosen` : "";
    if (all) {
      all.checked = count > 0 && count === boxes().length;
      all.indeterminate = count > 0 && !all.checked;
    }
    for (const button of form.querySelectorAll("button")) button.disabled = !count;
  }

  document.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes()) box.checked = all.checked;
    if (event.target === all || event.target.name === "task") tell();
  });

  // A refresh leaves what is chosen, where the keyboard is, and how far a table is scrolled.
  const watched = (event) => ["tasks", "task"].includes(event.detail.target && event.detail.target.id);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "live" && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!watched(event)) return;
    kept = new Set(chosen().map((box) => box.value));
    const place = document.activeElement;
    // Nowhere: what was left waits still, for the end of another refresh, or until its task has a button again.
    if (place && place !== document.body) focused = place.id ? { id: place.id, task: place.dataset.task } : null;
  });
  for (const goesOn of ["focusin", "pointerdown"]) document.addEventListener(goesOn, () => { focused = null; });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!watched(event)) return;
    for (const box of boxes()) box.checked = kept.has(box.value);
    tell();
    if (!focused || document.activeElement !== document.body) return;
    // The button that was pressed has gone: the next one of the same task is where the keyboard stays. While it is
    // being stopped only the one that deletes is there: whoever presses Enter once more must not come upon that.
    const own = `button[data-task="${focused.task}"]`, next = [`${own}:not([id^="delete-"])`, `${own}:not([data-at-work])`];
    const place = document.getElementById(focused.id) || (focused.task && next.map((one) => document.querySelector(one)).find(Boolean));
    if (place) place.focus({ preventScroll: true });
  });

  // To delete is asked first: which tasks, and whether what they imported goes too.
  function confirmDeletion(tasks, from) {
    const fields = document.getElementById("ask-tasks");
    fields.replaceChildren(...tasks.map((task) => {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "task";
      field.value = task.id;
      return field;
    }));
    document.getElementById("ask-title").textContent = tasks.length === 1 ? `Delete ${tasks[0].name}?` : `Delete ${tasks.length} tasks?`;
    const records = document.getElementById("remove_records");
    if (records) records.checked = false;
    opener = from;
    ask.showModal();
  }

  document.addEventListener("submit", (event) => {
    if (!ask) return;
    const button = event.submitter;
    if (event.target.matches("form[data-asks]")) {
      event.preventDefault();
      confirmDeletion([{ id: button.dataset.task, name: button.dataset.name }], button.id);
    } else if (event.target.id === "chosen" && button && button.dataset.act === "delete") {
      event.preventDefault();
      event.stopPropagation();
      confirmDeletion(chosen().map((box) => ({ id: box.value, name: box.dataset.name })), "");
    }
  }, true);

  if (ask) {
    document.getElementById("ask-no").addEventListener("click", () => ask.close());
    ask.addEventListener("htmx:afterRequest", () => ask.close());
    ask.addEventListener("close", () => {
      const place = document.getElementById(opener);
      if (place) place.focus({ preventScroll: true });
    });
  }
  tell();
})();

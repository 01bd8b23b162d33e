// What the pages of collections do beyond links and forms: leafing without loading anew, choosing all, lean addresses.
"use strict";

for (const part of document.querySelectorAll(".scripted")) part.hidden = false;

// Fields that say nothing stay out of the address.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-lean]")) return;
  const fields = [...event.target.elements].filter((field) => field.name && field.value === "");
  for (const field of fields) field.disabled = true;
  setTimeout(() => { for (const field of fields) field.disabled = false; });
});

// All boxes of the page at once.
document.addEventListener("change", (event) => {
  if (event.target.id !== "choose-all") return;
  for (const box of document.querySelectorAll('input[name="item"]')) box.checked = event.target.checked;
});

// The slider shows pages and slices as it moves; what comes too late is not shown any more.
const slider = document.getElementById("slider");
if (slider) {
  const leaf = document.getElementById("leaf");
  const number = slider.form.elements.page;
  let waiting = 0;
  const show = () => {
    const at = Number(slider.value) - 1;
    number.value = slider.value;
    const query = slider.dataset.by === "place" ? `file=0&place=${at}` : `file=${at}`;
    leaf.src = `${slider.dataset.picture}?${query}`;
    if (slider.dataset.by === "file") leaf.parentElement.search = `?file=${at}`;
  };
  slider.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 80);
  });
}

// A key frame is shown where the player is.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-seek]");
  const player = document.getElementById("player");
  if (!link || !player || player.error) return;
  event.preventDefault();
  player.currentTime = Number(link.dataset.seek);
  player.scrollIntoView({block: "nearest"});
});

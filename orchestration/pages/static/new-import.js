// A new import: a connector that the chosen target does not name cannot be chosen, and it is said why. Without a script the server says it.
"use strict";

(() => {
  const target = document.getElementById("f-target"), connector = document.getElementById("f-connector");
  const why = document.getElementById("taken-from");

  function offer() {
    const chosen = target.selectedOptions[0];
    const named = chosen && chosen.dataset.connectors;
    const taken = named === undefined ? null : named.split(" ").filter(Boolean);
    for (const one of connector.options) one.disabled = Boolean(taken && one.value && !taken.includes(one.value));
    if (connector.selectedOptions[0].disabled) connector.value = "";
    const from = taken && (taken.length ? `takes files from ${taken.join(", ")} alone` : "takes files from no connector");
    why.textContent = taken ? `${chosen.textContent} ${from}: others have to be named in its connectors.` : "";
  }

  target.addEventListener("change", offer);
  offer();
})();

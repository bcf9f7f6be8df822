// A unit's report survives a lost connection: what is typed is kept in this browser until the service has received it.
"use strict";
(function () {
  const form = document.getElementById("report");
  if (!form || !window.localStorage) return;
  const key = "draft:" + form.dataset.draft;
  const fields = () => Array.from(form.elements).filter((one) => one.name && !["hidden", "file", "submit"].includes(one.type));

  function keep() {
    const typed = {};
    for (const one of fields()) {
      if (one.type === "radio") {
        if (one.checked && one.value) typed[one.name] = one.value;
      } else if (one.value) typed[one.name] = one.value;
    }
    try {
      if (Object.keys(typed).length) localStorage.setItem(key, JSON.stringify({ signature: form.dataset.signature, typed }));
      else localStorage.removeItem(key);
    } catch (full) { /* a full or forbidden storage keeps nobody from reporting */ }
  }

  function restore() {
    let draft = null;
    try { draft = JSON.parse(localStorage.getItem(key) || "null"); } catch (broken) { return; }
    if (!draft || form.dataset.failed) return;
    if (draft.sent && draft.signature !== form.dataset.signature) { localStorage.removeItem(key); return; }
    for (const one of fields()) {
      const value = draft.typed[one.name];
      if (value === undefined) continue;
      if (one.type === "radio") one.checked = one.value === value;
      else one.value = value;
      for (let around = one.closest("details"); around; around = around.parentElement.closest("details")) around.open = true;
    }
    document.getElementById("restored").hidden = false;
  }

  form.addEventListener("input", keep);
  document.getElementById("forget").addEventListener("click", () => {
    localStorage.removeItem(key);
    form.reset();
    document.getElementById("restored").hidden = true;
  });
  form.addEventListener("submit", (event) => {
    keep();
    if (navigator.onLine === false) {
      event.preventDefault();
      const told = document.getElementById("offline");
      told.hidden = false;
      told.scrollIntoView();
      return;
    }
    try {
      const draft = JSON.parse(localStorage.getItem(key) || "null");
      if (draft) localStorage.setItem(key, JSON.stringify({ ...draft, sent: true }));
    } catch (broken) { /* as above */ }
  });
  window.addEventListener("online", () => { document.getElementById("offline").hidden = true; });
  restore();
})();

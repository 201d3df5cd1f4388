/* The keys of the queue. Everything they do has a page or a form that does it, too. */
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const rows = () => [...document.querySelectorAll("tr[data-case]")];
  let here = -1;

  function stand(at) {
    const all = rows();
    if (!all.length) { here = -1; return; }
    here = Math.max(0, Math.min(at, all.length - 1));
    for (const row of all) row.classList.toggle("here", row === all[here]);
    const link = one(".what a", all[here]);
    link.focus({ preventScroll: true });
    all[here].scrollIntoView({ block: "nearest" });
  }

  const current = () => rows()[here];

  function send(form, row) {
    const values = Object.fromEntries(new FormData(form));
    values.version = row.dataset.version;
    const asked = new URLSearchParams(location.search);
    for (const [key, value] of asked) values[key] ??= value;
    return htmx.ajax("POST", `/alerts/${encodeURIComponent(row.dataset.case)}/${form.dataset.act}`, {
      source: form, target: row, swap: "outerHTML", values,
    });
  }

  // What has just come is bound by htmx some milliseconds later: a key pressed before
  // would send the form as without it, and leave the page with its filters.
  function submit(form) {
    htmx.process(form);
    form.requestSubmit();
  }

  function ask(act) {
    const row = current();
    if (!row || !row.dataset.acts.split(" ").includes(act)) return;
    const box = one(`#ask-${act}`);
    if (!box) return;
    if (box.tagName === "FORM") { send(box, row); return; }
    const form = one("form", box);
    form.reset();
    one(".subject", box).textContent = `${one(".what", row).textContent.trim()} · ${one(".place", row).textContent.trim()}`;
    box.showModal();
    one("input[type=radio]", box).focus();
  }

  function reload() {
    const at = here;
    // One request: of two, the second would push out what is asked for meanwhile.
    htmx.ajax("GET", location.pathname + location.search, {
      target: "#list", select: "#list", selectOOB: "#stages", swap: "outerHTML",
    }).then(() => stand(at));
  }

  const keys = {
    j: () => stand(here + 1),
    k: () => stand(here - 1),
    o: () => current() && one(".what a", current()).click(),
    p: () => ask("pass"),
    c: () => ask("confirm"),
    x: () => ask("dismiss"),
    u: () => { const undo = one("#flash [data-undo]"); if (undo) submit(undo); },
    m: () => { const box = current() && one(".mark input", current()); if (box) box.checked = !box.checked; },
    M: () => { const form = one("#marks"); if (form && one(".below button", form)) submit(form); },
    "/": () => { const box = one("#filters"); box.open = true; one("select", box).focus(); },
    "?": () => one("#keys").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const open = one("dialog[open]");
    const typing = event.target.closest("textarea, select, input:not([type=checkbox], [type=radio])");
    if (open) {
      const choice = !typing && one(`[data-digit="${event.key}"]`, open);
      if (choice) { event.preventDefault(); choose(open, choice); }
      return;
    }
    if (typing) { if (event.key === "Escape") typing.blur(); return; }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // "Other" needs words; any other reason is all that is needed.
  function choose(box, choice) {
    choice.checked = true;
    if (choice.value === "other") one("textarea", box).focus();
    else one("form", box).requestSubmit();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-queue-act]")) return;
    event.preventDefault();
    const other = one("[value=other]", form);
    const note = one("textarea", form);
    if (other && other.checked && !note.value.trim()) { note.focus(); return; }
    const row = current();
    form.closest("dialog").close();
    if (row) send(form, row);
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr[data-case]");
    if (!row) return;
    here = rows().indexOf(row);
    for (const each of rows()) each.classList.toggle("here", each === row);
  });

  // A row that was judged is done with: go on to the next.
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.matches?.("tr[data-case]")) stand(here + 1);
  });
  document.body.addEventListener("desk:changed", reload);
})();

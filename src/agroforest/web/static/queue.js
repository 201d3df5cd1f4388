/* The keys of the queue. Everything they do has a page or a form that does it, too. */
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const rows = () => [...document.querySelectorAll("tr[data-case]")];
  let here = -1; // of the row on which one stands
  let standing = ""; // its case
  let lists = 0; // that have come
  let loading = false;
  let stale = false; // the list that is on its way

  function mark(at) {
    const all = rows();
    here = all.length ? Math.max(0, Math.min(at, all.length - 1)) : -1;
    standing = here < 0 ? "" : all[here].dataset.case;
    // No class: htmx sets those back some milliseconds after a list has come.
    for (const row of all) {
      if (row === all[here]) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  function stand(at) {
    mark(at);
    const all = rows();
    if (here < 0) return;
    const link = one(".what a", all[here]);
    link.focus({ preventScroll: true });
    all[here].scrollIntoView({ block: "nearest" });
  }

  const current = () => rows()[here];

  async function send(form, row) {
    const values = Object.fromEntries(new FormData(form));
    values.version = row.dataset.version;
    const asked = new URLSearchParams(location.search);
    for (const [key, value] of asked) values[key] ??= value;
    const before = lists;
    await htmx.ajax("POST", `/alerts/${encodeURIComponent(row.dataset.case)}/${form.dataset.act}`, {
      source: form, target: row, swap: "outerHTML", values,
    });
    // The row was of another list, or one that is on its way does not know of this yet.
    if (loading || lists !== before) reload();
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

  // One at a time, and each into the list that is there when it comes: what is asked for
  // meanwhile is answered by one more.
  async function reload() {
    stale = true;
    if (loading) return;
    loading = true;
    try {
      while (stale) {
        stale = false;
        await htmx.ajax("GET", location.pathname + location.search, {
          target: "#list", select: "#list", selectOOB: "#stages", swap: "outerHTML",
        });
        lists += 1;
        const at = rows().findIndex((row) => row.dataset.case === standing);
        stand(at < 0 ? here : at);
      }
    } finally {
      loading = false;
    }
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
    mark(rows().indexOf(row));
  });

  // A row that was judged is done with: go on to the next.
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.matches?.("tr[data-case]")) stand(here + 1);
  });
  document.body.addEventListener("desk:changed", () => {
    // What was marked is done: the next merge is not of these once more.
    for (const box of document.querySelectorAll(".mark input")) box.checked = false;
    reload();
  });
})();

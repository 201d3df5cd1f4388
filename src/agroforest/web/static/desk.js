/* What every page does beside htmx: forms send their secret, dialogs close, and a form
   is sent once. Pages work without it. */
(() => {
  "use strict";
  const busy = new WeakSet();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (busy.has(form)) event.preventDefault();
    busy.add(form);
  });

  // Pages that come back from the browser's own memory may be sent again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    if (close) close.closest("dialog").close();
  });
})();

/* Water beside the map: its layer, and a tab that lists parcels, the urgent first. */
(function (af) {
  "use strict";
  const { el, button } = af;
  const panel = af.Panel.prototype;
  const { draw, legend, about } = panel;

  /* The tab comes before those of sensors and notes. */
  panel.draw = function () {
    draw.call(this);
    const { water, word } = this.view;
    if (!water) return;
    const own = word.water, urgent = water.count("red");
    const node = button(".af-tab", own.tab, () => this.select("water"), own.tab, urgent ? el("span.af-count", urgent) : null);
    node.dataset.tab = "water";
    node.setAttribute("role", "tab");
    node.setAttribute("aria-selected", String(this.open === "water"));
    const before = ["fire", "alerts", "layers"].map((tab) => this.root.querySelector("[data-tab=" + tab + "]")).find(Boolean);
    before.after(node);
    this.root.querySelector(".af-tabs").classList.add("af-packed");
  };

  panel.legend = function (layer) {
    if (layer.kind !== "water") return legend.call(this, layer);
    const { water, word } = this.view;
    const keys = this.view.data.water.lights.map((light) =>
      el("div.af-key", af.lightSign(light), el("span", word.water.lights[light]), el("span.af-count", water.count(light))));
    const note = water.tonight ? [] : [el("p.af-note", word.water.otherNight)];
    return el("div.af-legend", ...keys, ...note);
  };

  panel.water = function () {
    const { water, word, data, lang } = this.view, own = word.water;
    if (!water.tonight) return [el("p.af-none", own.otherNight)];
    const groups = data.water.lights.flatMap((light) => {
      const items = water.parcels.filter((parcel) => parcel.light === light);
      if (!items.length) return [];
      const head = el("h2.af-light-head", af.lightSign(light), own.lights[light] + " " + items.length);
      return [head, ...items.map((parcel) => item(parcel, this.view))];
    });
    return [
      el("p.af-none", own.asOf(data.water.moment)),
      ...(groups.length ? groups : [el("p.af-none", own.noParcels)]),
      ...data.water.notes.map((note) => el("p.af-note", note[lang])),
    ];
  };

  function item(parcel, view) {
    const { lang } = view;
    const parts = af.waterParts(parcel, view);
    const line = parts.length ? parts.flatMap((part, n) => [n ? " · " : "", el("span.af-part", part)]) : [af.waterFirst(parcel, view)];
    const node = button(".af-item", af.waterTitle(parcel, lang), () => view.water.visit(parcel), af.lightSign(parcel.light),
      el("span.af-what", el("b", af.waterTitle(parcel, lang)), el("span", ...line),
        parcel.drought[lang] ? el("span", view.word.water.drought + view.word.colon + parcel.drought[lang]) : ""));
    node.dataset.water = parcel.id;
    return node;
  }

  panel.about = function () {
    const found = about.call(this);
    const { water, word } = this.view;
    if (!water) return found;
    const source = found.findIndex((node) => node.textContent === word.source);
    const own = [el("h2", word.water.reading), ...word.water.explain.map((line) => el("p", line))];
    return [...found.slice(0, source), ...own, ...found.slice(source)];
  };
})(window.agroforest);

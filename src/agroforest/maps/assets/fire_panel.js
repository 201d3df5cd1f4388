/* Fire beside the map: days and layers of danger, the filter of hotspots, and a tab with
   what must be verified, what the gate holds, and scars. */
(function (af) {
  "use strict";
  const { el, button } = af;
  const LISTED = 100; // hotspots; more is slow on a phone and read by nobody
  const panel = af.Panel.prototype;
  const { draw, layers, layerRow, legend, alerts, about } = panel;

  const pending = (fire) => fire.data.alerts.filter((facts) => !facts.verification && open(facts, fire));
  const open = (facts, fire) => {
    const alert = fire.alertById.get(facts.alert);
    return !alert || alert.status !== "closed";
  };

  /* The tab comes after that of the alerts. */
  panel.draw = function () {
    draw.call(this);
    const { fire, word } = this.view;
    if (!fire) return;
    const own = word.fire, waiting = pending(fire).length;
    const node = button(".af-tab", own.tab, () => this.select("fire"), own.tab, waiting ? el("span.af-count", waiting) : null);
    node.dataset.tab = "fire";
    node.setAttribute("role", "tab");
    node.setAttribute("aria-selected", String(this.open === "fire"));
    const before = this.root.querySelector("[data-tab=alerts]") || this.root.querySelector("[data-tab=layers]");
    before.after(node);
    this.root.querySelector(".af-tabs").classList.add("af-many");
  };

  /* ---- layers ---- */
  panel.layers = function () {
    const found = layers.call(this);
    const { fire, word } = this.view;
    if (!fire) return found;
    const own = word.fire;
    const rows = fire.danger.map((layer) => this.layerRow(layer));
    const note = fire.tonight ? [] : [el("p.af-none", own.otherNight)];
    const danger = rows.length ? [el("h2", own.danger), ...note, fire.dayButtons(), ...rows] : note;
    return [...danger, ...found];
  };

  panel.layerRow = function (layer) {
    const row = layerRow.call(this, layer);
    const { fire, word } = this.view;
    if (word.fire.vector[layer.kind]) row.querySelector(".af-name span").textContent = word.fire.vector[layer.kind];
    if (layer.kind === "danger") {
      const known = layer.tiles.area.some((frame) => frame.day === fire.day.day);
      const day = fire.day.forecast ? word.fire.forecastOf(fire.day.day) : fire.day.day;
      row.querySelector(".af-when").textContent = known ? day : word.fire.notThatDay;
    }
    return row;
  };

  panel.legend = function (layer) {
    const keys = { danger: dangerKeys, hotspots: hotspotKeys, scars: scarKeys }[layer.kind];
    if (keys) return el("div.af-legend", ...keys(layer, this.view));
    const content = legend.call(this, layer);
    if (layer.kind === "alerts" && this.view.fire) content.append(...ringKeys(this.view));
    return content;
  };

  function dangerKeys(layer, view) {
    const { word, lang, data } = view, own = word.fire;
    if (layer.legend.ranks) {
      return [
        ...layer.legend.ranks.map((color, n) => af.swatch("rank", own.ranks[n + 1], color)),
        af.swatch("empty", own.rankUnknown), el("p.af-note", layer.legend.limits[lang])];
    }
    return [
      layer.legend.unit ? el("div.af-unit", word.unit + " " + layer.legend.unit) : "",
      af.scale(layer.legend, data.pictures, word), af.swatch("empty", word.noValue),
      ...layer.legend.models.map((model) => el("div.af-model", word.model + word.colon + model)),
      layer.legend.source ? el("div.af-model", own.source + word.colon + layer.legend.source) : "",
    ].filter((node) => node !== "");
  }

  function hotspotKeys(layer, view) {
    const { fire, word } = view, own = word.hotspots, { data } = fire;
    const steps = [null, ...data.ages.map((step) => step.hours)];
    return [
      el("div.af-unit", word.fire.shown(fire.visible().length, fire.list.count)),
      el("h3", own.kind), ...data.kinds.map((kind, k) => choice(view, "kind", fire.kinds, kind, k, own.kinds[kind], af.shape(kind))),
      el("h3", own.confidence), ...data.confidences.map((grade, k) => choice(view, "confidence", fire.confidences, grade, k, own.confidences[grade], null)),
      el("h3", own.age), ...data.ages.map((step, k) => af.swatch("dot", own.ages(steps[k], step.hours), step.color)),
      ...ringKeys(view),
      el("p.af-note", word.fire.heat),
    ];
  }

  function choice(view, column, chosen, value, number, label, picture) {
    const box = el("input");
    box.type = "checkbox";
    box.checked = chosen.has(value);
    box.dataset[column] = value;
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(value); else chosen.delete(value);
      view.map.closePopup();
      view.fire.drawMarks();
      view.panel.draw();
    });
    const total = view.fire.list.columns[column].reduce((sum, one) => sum + (one === number), 0);
    return el("label.af-choice", box, picture, el("span", label), el("span.af-count", total));
  }

  function ringKeys(view) {
    if (!view.fire.data.alerts.length) return [];
    return Object.entries(af.RINGS).map(([state, color]) => af.swatch("ring", view.word.fire.alertMarks[state], color));
  }

  function scarKeys(layer, view) {
    return [af.swatch("line", view.word.fire.scarKey, af.SCAR_COLOR), el("p.af-note", view.word.fire.scarNote)];
  }

  /* ---- the list of alerts: a fire has a clock and an area to look at ---- */
  panel.alerts = function () {
    const found = alerts.call(this);
    const { fire, word } = this.view;
    if (!fire) return found;
    found.filter((node) => node.dataset.alert).forEach((node) => {
      const facts = fire.factsByAlert.get(node.dataset.alert);
      if (!facts) return;
      const [what, area] = node.querySelectorAll(".af-what > *");
      what.textContent = fire.title(facts.event);
      const state = this.view.stateOf(fire.alertById.get(facts.alert));
      const tag = state.fresh ? word.isNew : word.status[state.status];
      area.textContent = tag + " · " + word.fire.look + " " + word.areaText(fire.alertById.get(facts.alert).area);
      area.after(el("span", af.clock.line(facts, this.view)));
      node.querySelector(".af-swatch").replaceWith(af.shape(fire.list.kindOf(facts.event), fire.list.colorOf(facts.event)));
    });
    return found;
  };

  /* ---- the tab ---- */
  panel.fire = function () {
    const { fire, word } = this.view, own = word.fire, { data } = fire;
    const waiting = pending(fire);
    const done = data.alerts.filter((facts) => facts.verification)
      .sort((a, b) => Date.parse(b.verification.time) - Date.parse(a.verification.time));
    const item = (facts) => alertItem(facts, this.view);
    return [
      el("p.af-none", own.asOf(af.clock.date(data.moment, this.view)) + " (" + af.clock.zone(this.view) + ")"),
      ...section(own.toVerify, waiting.map(item), own.nothing.toVerify),
      waiting.length ? el("p.af-none", own.times(af.clock.zone(this.view))) : "",
      ...section(own.verified, done.map(item)),
      ...section(own.held, data.held.map((held) => heldItem(held, this.view))),
      ...section(own.scars, data.scars.map((scar) => scarItem(scar, this.view))),
      ...this.hotspots(),
    ].filter((node) => node !== "");
  };

  function section(title, items, empty) {
    if (!items.length && !empty) return [];
    return [el("h2", title + " " + items.length), ...(items.length ? items : [el("p.af-none", empty)])];
  }

  panel.hotspots = function () {
    const { fire, word } = this.view, own = word.fire;
    const shown = fire.visible().filter((n) => !fire.factsOf.has(n));
    const title = el("h2", own.events + " " + shown.length);
    if (!shown.length) return [title, el("p.af-none", own.nothing.events)];
    const cut = shown.length > LISTED ? [el("p.af-none", own.firstOf(LISTED, shown.length))] : [];
    return [title, ...cut, ...shown.slice(0, LISTED).map((n) => eventItem(n, this.view))];
  };

  function row(n, view, label, ...lines) {
    const { fire } = view;
    const where = ["county", "township"].map((layer) => fire.list.nameOf(n, layer, view.lang)).filter(Boolean).join(" · ");
    const item = button(".af-item", label, () => fire.visit(n), af.shape(fire.list.kindOf(n), fire.list.colorOf(n)),
      el("span.af-what", el("b", where || fire.list.placeOf(n)), ...lines));
    item.dataset.event = fire.list.columns.id[n];
    return item;
  }

  function traits(n, view) {
    const own = view.word.hotspots, { list } = view.fire;
    return own.kinds[list.kindOf(n)] + " · " + own.confidenceShort + view.word.colon + own.confidences[list.confidenceOf(n)];
  }

  function alertItem(facts, view) {
    const own = view.word.fire, n = facts.event;
    const item = row(n, view, view.fire.title(n), el("span", af.clock.line(facts, view)),
      el("span", traits(n, view) + " · " + own.gate + view.word.colon + own.gates[facts.gate]));
    item.dataset.fire = facts.alert;
    return item;
  }

  function heldItem(held, view) {
    const n = held.event;
    return row(n, view, view.fire.title(n), el("span", held.says[view.lang]), el("span", traits(n, view)));
  }

  function eventItem(n, view) {
    const own = view.word.hotspots;
    return row(n, view, view.fire.title(n), el("span", traits(n, view)),
      el("span", own.sinceLast + view.word.colon + own.hours(view.fire.list.columns.age[n])));
  }

  function scarItem(scar, view) {
    const { word, lang, fire } = view;
    const mark = el("span.af-swatch.scar");
    const item = button(".af-item", scar.verdict[lang], () => fire.visitScar(scar), mark, el("span.af-what",
      el("b", word.areaText(scar.area)), el("span", scar.verdict[lang]), el("span", word.fire.imagesOf(scar.before, scar.after))));
    item.dataset.scar = scar.id;
    return item;
  }

  panel.about = function () {
    const found = about.call(this);
    if (!this.view.fire) return found;
    const { word, data } = this.view, own = word.fire;
    // How to read hatched pictures of risk, where there are any.
    const foreign = data.layers.some((layer) => layer.kind === "risk") ? [] : [word.reading, word.explain(data.staleDays)];
    const kept = found.filter((node) => !foreign.includes(node.textContent));
    const source = kept.findIndex((node) => node.textContent === word.source);
    return [...kept.slice(0, source), el("h2", own.reading), el("p", own.heat), ...own.explain.map((line) => el("p", line)), ...kept.slice(source)];
  };
})(window.agroforest);

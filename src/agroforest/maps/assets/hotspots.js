/* Fire events on a map: one canvas, a filter, a list. Takes the place of agroforest.js
   and panel.js on its page; nothing from outside is ever markup. */
(function (af) {
  "use strict";
  const { el, svg, button, icon } = af;
  const REMEMBER = "agroforest-language";
  const EDGE = "#2a2320";
  const LISTED = 200; // rows of the list; more is slow on a phone and read by nobody
  const WITHIN = [6, 12, 24, 48, 168, 720, null]; // hours of the slider, null is all
  const OUTLINES = { fire: "M9 2a7 7 0 1 0 .01 0z", crop: "M9 2l7 13H2z", static: "M3 3h12v12H3z" };
  const TABS = ["filter", "events", "about"];

  /* Storage may be refused for a file opened from disk; the page works without. */
  function remembered() {
    try { return localStorage.getItem(REMEMBER); } catch (error) { return null; }
  }
  function remember(lang) {
    try { localStorage.setItem(REMEMBER, lang); } catch (error) { /* not kept */ }
  }

  /* Leaflet draws circles only; squares and triangles tell kinds apart without colour. */
  const Mark = L.CircleMarker.extend({
    _updatePath() {
      const renderer = this._renderer;
      if (this.options.kind === "fire") { renderer._updateCircle(this); return; }
      if (!renderer._drawing || this._empty()) return;
      const { x, y } = this._point, r = this._radius, ctx = renderer._ctx;
      ctx.beginPath();
      if (this.options.kind === "static") ctx.rect(x - r + 1, y - r + 1, 2 * r - 2, 2 * r - 2);
      else { ctx.moveTo(x, y - r); ctx.lineTo(x + r, y + r * 0.8); ctx.lineTo(x - r, y + r * 0.8); ctx.closePath(); }
      renderer._fillStroke(ctx, this);
    },
  });

  class HotspotView {
    constructor(map, data) {
      Object.assign(this, { map, data, lang: remembered() === "en" ? "en" : "zh" });
      this.count = data.events.id.length;
      this.kinds = new Set(data.kinds);
      this.confidences = new Set(data.confidences);
      this.within = null;
      this.scale = 1;
      this.open = this.wide() ? "filter" : null;
      ["boundaries", "hotspots", "af-measure"].forEach((id, n) => {
        const pane = map.createPane(id);
        pane.style.zIndex = 400 + n;
        if (id !== "hotspots") pane.style.pointerEvents = "none";
      });
      this.measure = new af.Measure(map, () => this.word);
      this.addControls();
      this.drawBoundaries();
      this.makeMarks();
      map.on("zoomend", () => this.resize());
      map.on("popupopen", () => map.getContainer().classList.add("af-opened"));
      map.on("popupclose", () => map.getContainer().classList.remove("af-opened"));
      this.draw();
      this.fit();
      this.refresh();
    }

    get word() { return af.WORDS[this.lang]; }
    get own() { return this.word.hotspots; }
    wide() { return matchMedia("(min-width: 761px)").matches; }
    at(n) { return [this.data.events.lat[n], this.data.events.lon[n]]; }
    kindOf(n) { return this.data.kinds[this.data.events.kind[n]]; }
    confidenceOf(n) { return this.data.confidences[this.data.events.confidence[n]]; }
    colorOf(n) {
      const age = this.data.events.age[n];
      return this.data.ages.find((step) => step.hours === null || age <= step.hours).color;
    }
    nameOf(n, layer) {
      const number = this.data.events[layer][n];
      return number < 0 ? "" : this.data.names[number][this.lang];
    }

    fit() { this.map.invalidateSize(); this.map.fitBounds(this.data.bounds, { paddingTopLeft: [50, 8], paddingBottomRight: [8, 30], animate: false }); }

    addControls() {
      const bar = L.control({ position: "topleft" });
      bar.onAdd = () => {
        this.tools = el("div.af-tools.leaflet-bar");
        L.DomEvent.disableClickPropagation(this.tools);
        return this.tools;
      };
      bar.addTo(this.map);
      L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
    }

    drawBoundaries() {
      const renderer = L.canvas({ pane: "boundaries" });
      this.data.boundaries.forEach((line) => L.polyline(line, {
        pane: "boundaries", renderer, color: "#6b7a70", weight: 1.2, interactive: false }).addTo(this.map));
    }

    makeMarks() {
      const renderer = L.canvas({ pane: "hotspots", tolerance: 5 });
      this.group = L.featureGroup().addTo(this.map);
      this.marks = Array.from({ length: this.count }, (_, n) => new Mark(this.at(n), {
        pane: "hotspots", renderer, n, kind: this.kindOf(n), color: EDGE, weight: 1,
        radius: this.radiusOf(n),
        fillColor: this.colorOf(n), fillOpacity: 0.92,
      }));
      this.group.on("click", (event) => {
        if (this.measure.active) return; // the map gets the click and measures
        L.DomEvent.stopPropagation(event);
        this.visit(event.layer.options.n, false);
      });
    }

    /* Seen from afar, smaller marks hide fewer others. */
    scaleAt(zoom) { return zoom < 7 ? 0.6 : zoom < 8.5 ? 0.8 : 1; }

    radiusOf(n) {
      return this.scale * (4 + Math.min(3.5, 0.7 * Math.log2(this.data.events.detections[n])));
    }

    resize() {
      const scale = this.scaleAt(this.map.getZoom());
      if (scale === this.scale) return;
      this.scale = scale;
      this.marks.forEach((mark, n) => mark.setRadius(this.radiusOf(n)));
    }

    /* ---- the filter ---- */
    passes(n) {
      return this.kinds.has(this.kindOf(n)) && this.confidences.has(this.confidenceOf(n)) &&
        (this.within === null || this.data.events.age[n] <= this.within);
    }

    /* What is drawn follows the filter; the first to look at lies on top. */
    refresh() {
      this.visible = [];
      for (let n = 0; n < this.count; n += 1) if (this.passes(n)) this.visible.push(n);
      this.group.clearLayers();
      for (let k = this.visible.length - 1; k >= 0; k -= 1) this.group.addLayer(this.marks[this.visible[k]]);
      this.shown.textContent = this.own.shown(this.visible.length, this.count);
      const badge = document.querySelector("[data-tab=events] .af-count");
      if (badge) badge.textContent = this.visible.length;
      if (this.open === "events") this.drawPanel();
    }

    /* A slider asks many times a second; once a frame is enough. */
    ask() {
      if (this.asked) return;
      this.asked = requestAnimationFrame(() => { this.asked = 0; this.map.closePopup(); this.refresh(); });
    }

    /* ---- words ---- */
    draw() {
      document.documentElement.lang = this.lang === "zh" ? "zh-CN" : "en";
      document.title = this.own.title;
      this.drawHead();
      this.drawTools();
      this.drawTime();
      this.drawPanel();
      if (this.measure.active) this.measure.describe();
    }

    drawHead() {
      const { data, own, word } = this;
      const change = button(".af-language", word.otherLanguage, () => this.speak(this.lang === "zh" ? "en" : "zh"), word.otherLanguage);
      change.lang = this.lang === "zh" ? "en" : "zh-CN";
      document.getElementById("af-head").replaceChildren(
        el("div.af-title", el("h1", own.title), el("p", own.asOf(plain(data.nowLocal)))), change);
      document.getElementById("af-banner").replaceChildren(el("div.af-rule", own.warning));
    }

    drawTools() {
      const { word, map } = this;
      const tool = (name, label, action) => button(".af-tool." + name, label, action, icon(name));
      this.tools.replaceChildren(
        tool("plus", word.zoomIn, () => map.zoomIn()),
        tool("minus", word.zoomOut, () => map.zoomOut()),
        tool("home", word.home, () => this.fit()),
        tool("ruler", word.measure, () => this.measure.toggle()));
    }

    drawTime() {
      const { own } = this;
      const say = () => (this.within === null ? own.withinAll : own.withinHours(this.within));
      const label = el("label", own.within + this.word.colon + say());
      const slider = af.range(own.within, WITHIN.indexOf(this.within), 0, WITHIN.length - 1, 1, (step) => {
        this.within = WITHIN[step];
        label.textContent = own.within + this.word.colon + say();
        slider.setAttribute("aria-valuetext", say());
        this.ask();
      });
      slider.setAttribute("aria-valuetext", say());
      this.shown = el("output");
      const root = document.getElementById("af-time");
      root.className = "af-ages";
      root.replaceChildren(label, slider, this.shown);
    }

    speak(lang) {
      this.lang = lang;
      remember(lang);
      this.map.closePopup();
      this.draw();
      this.refresh();
    }

    /* ---- the panel ---- */
    select(tab) {
      if (!this.wide()) {
        this.map.closePopup(); // there is no room for both
        if (this.open === tab) tab = null;
      }
      this.open = tab;
      this.drawPanel();
      document.body.classList.toggle("af-low", Boolean(tab));
      this.map.invalidateSize();
    }

    fold() { if (!this.wide() && this.open) this.select(this.open); }

    drawPanel() {
      const { own } = this;
      const bar = el("div.af-tabs");
      bar.setAttribute("role", "tablist");
      TABS.forEach((tab) => {
        const badge = tab === "events" ? el("span.af-count", this.visible ? this.visible.length : "") : null;
        const node = button(".af-tab", own.tabs[tab], () => this.select(tab), own.tabs[tab], badge);
        node.dataset.tab = tab;
        node.setAttribute("role", "tab");
        node.setAttribute("aria-selected", String(this.open === tab));
        bar.appendChild(node);
      });
      const sheet = el("div.af-sheet");
      sheet.setAttribute("role", "tabpanel");
      sheet.hidden = !this.open;
      if (this.open) sheet.append(...this[this.open]());
      document.getElementById("af-panel").replaceChildren(bar, sheet);
    }

    filter() {
      const { data, own } = this;
      const steps = [null, ...data.ages.map((step) => step.hours)];
      return [
        el("h2", own.kind), ...data.kinds.map((kind, k) => this.choice("kind", this.kinds, kind, k, own.kinds[kind], shape(kind))),
        el("h2", own.confidence), ...data.confidences.map((grade, k) => this.choice("confidence", this.confidences, grade, k, own.confidences[grade], null)),
        el("h2", own.age), ...data.ages.map((step, k) => af.swatch("dot", own.ages(steps[k], step.hours), step.color)),
        ...(data.boundaries.length ? [el("div.af-key", el("span.af-line"), el("span", own.boundary))] : []),
      ];
    }

    choice(column, chosen, value, number, label, picture) {
      const box = el("input");
      box.type = "checkbox";
      box.checked = chosen.has(value);
      box.dataset[column] = value;
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(value); else chosen.delete(value);
        this.ask();
      });
      const total = this.data.events[column].reduce((sum, one) => sum + (one === number), 0);
      return el("label.af-choice", box, picture, el("span", label), el("span.af-count", total));
    }

    events() {
      const { own, data } = this;
      if (!this.visible.length) return [el("p.af-none", own.none)];
      const rows = this.visible.slice(0, LISTED).map((n) => {
        const picture = shape(this.kindOf(n), this.colorOf(n));
        const where = [this.nameOf(n, "county"), this.nameOf(n, "township")].filter(Boolean).join(" · ");
        const item = button(".af-item", own.heads[this.kindOf(n)], () => this.visit(n, true), picture, el("span.af-what",
          el("b", where || this.place(n)), el("span", own.kinds[this.kindOf(n)] + " · " + own.confidenceShort + this.word.colon + own.confidences[this.confidenceOf(n)]),
          el("span", own.sinceLast + this.word.colon + own.hours(data.events.age[n]))));
        item.dataset.event = data.events.id[n];
        return item;
      });
      const cut = this.visible.length > LISTED ? [el("p.af-none", own.first200(LISTED, this.visible.length))] : [];
      return [...cut, ...rows];
    }

    about() {
      const { data, own, word, lang } = this;
      const notices = data.notices.map((notice) => el("li", notice[lang]));
      if (data.total > this.count) notices.unshift(el("li", own.left(this.count, data.total)));
      return [
        el("h2", word.notices), notices.length ? el("ul.af-notices", ...notices) : el("p.af-none", word.noNotices),
        el("h2", own.reading), el("p", own.explain), el("p", own.cause), el("p", own.hour), el("p", own.noFieldCheck),
        el("h2", word.source),
        af.rows([[own.page, el("span", plain(data.nowLocal), el("br"), plain(data.now))], [own.version, data.version], ...data.sources.map((name) => [own.files, name])]),
        el("p", "Leaflet 1.9.3 © Volodymyr Agafonkin, CloudMade (BSD-2-Clause)"),
      ];
    }

    /* ---- popups ---- */
    place(n) { return this.at(n).map((degrees) => degrees.toFixed(4)).join(", "); }

    visit(n, move) {
      if (move) this.map.setView(this.at(n), Math.max(this.map.getZoom(), 11), { animate: false });
      this.fold();
      const size = this.map.getSize();
      L.popup({
        maxWidth: Math.min(340, size.x - 48), minWidth: Math.min(300, size.x - 48),
        maxHeight: Math.max(120, size.y - 90), autoPanPaddingTopLeft: [size.x > 700 ? 60 : 12, 12], autoPanPaddingBottomRight: [12, 12],
      }).setLatLng(this.at(n)).setContent(this.popup(n)).openOn(this.map);
    }

    popup(n) {
      const { own, lang, data } = this;
      const e = data.events, kind = this.kindOf(n), other = lang === "zh" ? "en" : "zh";
      const named = data.hasCounties ? this.nameOf(n, "county") || own.outside : this.nameOf(n, "county");
      const time = (local, utc) => (local === utc ? el("span", plain(utc)) : el("span", plain(local), el("br"), plain(utc)));
      const sensors = own.bySensor(e.viirs[n], e.modis[n], e.detections[n] - e.viirs[n] - e.modis[n]);
      return el("div.af-popup",
        el("h3", own.heads[kind]), el("p.af-other", af.WORDS[other].hotspots.heads[kind]),
        af.rows([
          [own.county, named], [own.township, this.nameOf(n, "township")],
          [own.first, time(e.firstLocal[n], e.firstUtc[n])], [own.last, time(e.lastLocal[n], e.lastUtc[n])],
          [own.sinceLast, own.hours(e.age[n])],
          [own.detections, sensors + (e.satellites[n] ? " (" + e.satellites[n] + ")" : "")],
          [own.confidenceShort, own.confidences[this.confidenceOf(n)]],
          [own.frp, e.frp[n] === null ? null : e.frp[n] + " MW"],
          [own.crop, e.crop[n] === null ? null : Math.round(e.crop[n] * 100) + " %"],
          [own.place, this.place(n)], [own.number, e.id[n]],
        ]),
        el("p.af-hour", kind === "static" ? own.hourStatic : own.hour), el("p.af-note", own.cause));
    }
  }

  /* 2024-03-01T08:00+08:00 as people write it; Z says little to most of them. */
  function plain(time) {
    return time.replace("T", " ").replace(/Z$/, " UTC").replace(/([+-]\d\d:\d\d)$/, " (UTC$1)");
  }

  function shape(kind, color) {
    const path = svg("path", { d: OUTLINES[kind] });
    if (color) path.style.fill = color;
    return svg("svg", { viewBox: "0 0 18 18", class: "af-shape", "aria-hidden": "true" }, path);
  }

  af.start = function (map) {
    const data = JSON.parse(document.getElementById("af-data").textContent);
    af.view = new HotspotView(map, data);
    window.addEventListener("resize", () => map.invalidateSize());
  };
})(window.agroforest);

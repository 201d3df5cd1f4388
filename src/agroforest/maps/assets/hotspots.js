/* Fire events on a map: one canvas, a filter, a list. Takes the place of agroforest.js
   and panel.js on its page; nothing from outside is ever markup. */
(function (af) {
  "use strict";
  const { el, button, icon } = af;
  const { shape, plain } = af;
  const REMEMBER = "agroforest-language";
  const LISTED = 200; // rows of the list; more is slow on a phone and read by nobody
  const WITHIN = [6, 12, 24, 48, 168, 720, null]; // hours of the slider, null is all
  const TABS = ["filter", "events", "about"];

  /* Storage may be refused for a file opened from disk; the page works without. */
  function remembered() {
    try { return localStorage.getItem(REMEMBER); } catch (error) { return null; }
  }
  function remember(lang) {
    try { localStorage.setItem(REMEMBER, lang); } catch (error) { /* not kept */ }
  }

  class HotspotView {
    constructor(map, data) {
      Object.assign(this, { map, data, lang: remembered() === "en" ? "en" : "zh" });
      this.list = new af.Events(data);
      this.count = this.list.count;
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
    at(n) { return this.list.at(n); }
    kindOf(n) { return this.list.kindOf(n); }
    confidenceOf(n) { return this.list.confidenceOf(n); }
    colorOf(n) { return this.list.colorOf(n); }
    nameOf(n, layer) { return this.list.nameOf(n, layer, this.lang); }

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
      this.marks = Array.from({ length: this.count }, (_, n) => this.list.mark(n, "hotspots", renderer));
      this.group.on("click", (event) => {
        if (this.measure.active) return; // the map gets the click and measures
        L.DomEvent.stopPropagation(event);
        this.visit(event.layer.options.n, false);
      });
    }

    /* Seen from afar, smaller marks hide fewer others. */
    scaleAt(zoom) { return zoom < 7 ? 0.6 : zoom < 8.5 ? 0.8 : 1; }

    resize() {
      const scale = this.scaleAt(this.map.getZoom());
      if (scale === this.scale) return;
      this.scale = scale;
      this.marks.forEach((mark, n) => mark.setRadius(scale * this.list.radiusOf(n)));
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
          el("b", where || this.list.placeOf(n)), el("span", own.kinds[this.kindOf(n)] + " · " + own.confidenceShort + this.word.colon + own.confidences[this.confidenceOf(n)]),
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
      const kind = this.kindOf(n), other = lang === "zh" ? "en" : "zh";
      return el("div.af-popup",
        el("h3", own.heads[kind]), el("p.af-other", af.WORDS[other].hotspots.heads[kind]),
        af.rows(this.list.facts(n, lang, data.hasCounties ? own.outside : "")),
        el("p.af-hour", kind === "static" ? own.hourStatic : own.hour), el("p.af-note", own.cause));
    }
  }

  af.start = function (map) {
    const data = JSON.parse(document.getElementById("af-data").textContent);
    af.view = new HotspotView(map, data);
    window.addEventListener("resize", () => map.invalidateSize());
  };
})(window.agroforest);

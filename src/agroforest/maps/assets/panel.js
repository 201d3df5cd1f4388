/* The panel beside the map (below it on a phone): layers, alerts, sensors, notes. */
(function (af) {
  "use strict";
  const { el, button } = af;
  const TABS = ["layers", "alerts", "sensors", "about"];
  const ONCE = { layers: true, about: true }; // of a page that answers one question

  af.Panel = class {
    constructor(view) {
      this.view = view;
      this.root = document.getElementById("af-panel");
      // On a phone the map comes first; the panel opens on request.
      this.open = this.wide() ? "layers" : null;
    }

    wide() { return matchMedia("(min-width: 761px)").matches; }

    select(tab) {
      if (!this.wide()) {
        this.view.map.closePopup(); // there is no room for both
        if (this.open === tab) tab = null;
      }
      this.open = tab;
      this.draw();
      document.body.classList.toggle("af-low", Boolean(tab));
      this.view.map.invalidateSize();
    }

    fold() {
      if (!this.wide() && this.open) this.select(this.open);
    }

    draw() {
      const { word, data } = this.view;
      const counts = { alerts: this.view.visibleAlerts().length, sensors: data.sensors.length, about: data.notices.length };
      const bar = el("div.af-tabs");
      bar.setAttribute("role", "tablist");
      TABS.filter((tab) => !data.once || tab in ONCE).forEach((tab) => {
        const badge = counts[tab] ? el("span.af-count", counts[tab]) : null;
        const node = button(".af-tab", word.tabs[tab], () => this.select(tab), word.tabs[tab], badge);
        node.dataset.tab = tab;
        node.setAttribute("role", "tab");
        node.setAttribute("aria-selected", String(this.open === tab));
        bar.appendChild(node);
      });
      const scrolled = this.sheet && this.drawn === this.open ? this.sheet.scrollTop : 0;
      this.sheet = el("div.af-sheet");
      this.sheet.setAttribute("role", "tabpanel");
      this.sheet.hidden = !this.open;
      if (this.open) this.sheet.append(...this[this.open]());
      this.root.replaceChildren(bar, this.sheet);
      this.sheet.scrollTop = scrolled;
      this.drawn = this.open;
    }

    layers() {
      const { word, data } = this.view;
      const rasters = (kind) => data.layers.filter((layer) => layer.kind === kind).map((layer) => this.layerRow(layer));
      const group = (kind, list) => (list.length ? [el("h2", word[data.once ? "groupsOnce" : "groups"][kind]), ...list] : []);
      return [
        ...group("risk", rasters("risk")),
        ...group("index", rasters("index")),
        ...group("vector", this.view.vectors.map((layer) => this.layerRow(layer))),
      ];
    }

    layerRow(layer) {
      const { word, lang, data } = this.view;
      const box = el("input");
      box.type = "checkbox";
      box.checked = layer.shown;
      box.addEventListener("change", () => { this.view.show(layer, box.checked); this.draw(); });
      const drawn = data.once ? word.groupsOnce.vector : word.vector[layer.kind];
      const label = layer.title ? layer.title[lang] : drawn;
      const row = el("div.af-layer", el("label.af-name", box, el("span", label)));
      row.dataset.layer = layer.id;
      if (layer.tiles) row.appendChild(el("div.af-when", this.view.dates(layer)));
      if (!layer.shown) return row;
      const slider = af.range(word.opacity + word.colon + label, layer.opacity, 0, 1, 0.05, (value) => this.view.fade(layer, value));
      row.appendChild(el("label.af-opacity", el("span", word.opacity), slider));
      row.appendChild(this.legend(layer));
      return row;
    }

    legend(layer) {
      const { word, data } = this.view;
      const legend = el("div.af-legend");
      if (layer.kind === "alerts") legend.append(...this.alertKeys());
      if (layer.kind === "places") legend.append(...this.placeKeys());
      if (layer.kind === "sensors") legend.append(...this.sensorKeys());
      if (!layer.legend) return legend;
      if (layer.legend.unit) legend.appendChild(el("div.af-unit", word.unit + " " + layer.legend.unit));
      legend.appendChild(af.scale(layer.legend, data.pictures, word));
      if (layer.kind === "index") {
        legend.appendChild(af.swatch("empty", word.noValue));
        return legend;
      }
      legend.appendChild(el("div.af-ends", el("span", word.healthy), el("span", word.abnormal)));
      if (layer.legend.ticks.some((tick) => tick.kind === "threshold")) {
        legend.appendChild(af.swatch("mark", word.threshold));
      }
      legend.append(
        af.swatch("outline", word.detected),
        af.swatch("hatch", word.stale(data.staleDays)), af.swatch("empty", word.notJudged));
      layer.legend.models.forEach((model) => legend.appendChild(el("div.af-model", word.model + word.colon + model)));
      return legend;
    }

    alertKeys() {
      const { word, data } = this.view;
      const lows = [null, ...data.alertAges.map((age) => age.days)];
      return [
        ...data.alertAges.map((age, n) => af.swatch("dot", word.ages(lows[n], age.days), age.color)),
        af.swatch("released", word.released),
      ];
    }

    placeKeys() {
      const { word, data } = this.view;
      const kinds = new Set(["boundary", ...data.places.map((place) => place.kind)]);
      return [...kinds].map((kind) => af.swatch("line", word.kinds[kind], af.PLACE_COLORS[kind]));
    }

    sensorKeys() {
      const { word } = this.view;
      return ["good", "doubtful", "none"].map((state) => af.swatch("dot", word.sensorStates[state], af.SENSOR_COLORS[state]));
    }

    alerts() {
      const { word, lang } = this.view;
      const list = this.view.visibleAlerts();
      if (!list.length) return [el("p.af-none", word.noAlerts)];
      return list.map((alert) => {
        const state = this.view.stateOf(alert);
        const dot = el("span.af-swatch.dot");
        dot.style.setProperty("--color", state.color);
        const where = alert.places.map((place) => place[lang]).join(lang === "zh" ? "、" : ", ");
        const tag = state.fresh ? word.isNew + " · " : state.status === "open" ? "" : word.status[state.status] + " · ";
        const item = button(".af-item", alert.name[lang], () => this.view.visit(alert), dot,
          el("span.af-what", el("b", alert.name[lang]), el("span", tag + word.areaText(alert.area)), el("span", where)));
        item.dataset.alert = alert.id;
        return item;
      });
    }

    sensors() {
      const { word, data } = this.view;
      if (!data.sensors.length) return [el("p.af-none", word.noSensors)];
      return data.sensors.map((sensor) => {
        const dot = el("span.af-swatch.dot");
        dot.style.setProperty("--color", af.SENSOR_COLORS[sensor.state]);
        const name = sensor.name || sensor.id;
        const item = button(".af-item", name, () => this.view.visitSensor(sensor), dot,
          el("span.af-what", el("b", name), el("span", word.sensorStates[sensor.state]),
            el("span", sensor.at ? "" : word.noPosition)));
        item.disabled = !sensor.at;
        return item;
      });
    }

    about() {
      const { word, lang, data } = this.view;
      const notices = data.notices.map((notice) => el("li", notice[lang]));
      return [
        el("h2", word.notices),
        notices.length ? el("ul.af-notices", ...notices) : el("p.af-none", word.noNotices),
        ...(data.once ? [] : [el("h2", word.reading), el("p", word.explain(data.staleDays))]),
        el("p", word.notDiagnosis), el("p", word.unproven),
        el("h2", word.source),
        af.rows([[data.once ? word.pageDay : word.pageNight, data.night], [word.pipeline, data.pipeline],
          [word.model, data.model], [word.version, data.version]]),
        data.ruleBased ? el("p", word.ruleBased) : "",
        data.attribution.length ? el("h2", word.attribution) : "",
        ...data.attribution.map((text) => el("p", text)),
        el("p", "Leaflet 1.9.3 © Volodymyr Agafonkin, CloudMade (BSD-2-Clause)"),
      ].filter((node) => node !== "");
    }
  };
})(window.agroforest);

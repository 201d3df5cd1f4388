/* Puts data on the map and keeps night, language and layers in step. */
(function (af) {
  "use strict";
  const { el, button, icon } = af;
  const REMEMBER = "agroforest-language";
  af.PLACE_COLORS = { boundary: "#222222", parcel: "#8a5a00", compartment: "#1b6b3a" };
  af.SENSOR_COLORS = { good: "#0072b2", doubtful: "#d55e00", none: "#777777" };
  const RELEASED = "#7a7f85";
  const MANY = 1000; // outlines; above this a canvas is faster than one element each

  /* Storage may be refused for a file opened from disk; the page works without. */
  function remembered() {
    try { return localStorage.getItem(REMEMBER); } catch (error) { return null; }
  }
  function remember(lang) {
    try { localStorage.setItem(REMEMBER, lang); } catch (error) { /* not kept */ }
  }

  class View {
    constructor(map, data) {
      this.map = map;
      this.data = data;
      this.lang = remembered() === "en" ? "en" : "zh";
      this.night = data.night;
      this.vectors = (data.once ? ["places"] : ["alerts", "places", "sensors"]).map((kind) => ({ id: kind, kind, shown: true, opacity: 1 }));
      this.overlays = new Map(); // "layer tile" -> what lies on the map
      this.groups = {};
      this.addPanes();
      this.panel = new af.Panel(this);
      this.measure = new af.Measure(map, () => this.word);
      this.addControls();
      map.on("popupopen", () => map.getContainer().classList.add("af-opened"));
      map.on("popupclose", () => map.getContainer().classList.remove("af-opened"));
      map.on("zoomend", () => this.sharpen());
      this.drawPlaces();
      this.drawSensors();
      this.draw();
      this.fit();
    }

    get word() { return af.WORDS[this.lang]; }

    fit() { this.map.invalidateSize(); this.map.fitBounds(this.data.bounds, { paddingTopLeft: [60, 16], paddingBottomRight: [16, 40], animate: false }); }

    addPanes() {
      const order = [...this.data.layers.slice().reverse().map((layer) => layer.id), "places", "alerts", "af-measure", "sensors"];
      order.forEach((id, n) => {
        const pane = this.map.createPane(id);
        pane.style.zIndex = 300 + n;
        pane.style.pointerEvents = "none"; // shapes inside switch it on for themselves
        const layer = this.findLayer(id);
        if (layer) pane.style.opacity = layer.opacity;
      });
    }

    findLayer(id) { return [...this.data.layers, ...this.vectors].find((layer) => layer.id === id); }

    addControls() {
      const bar = L.control({ position: "topleft" });
      bar.onAdd = () => {
        this.tools = el("div.af-tools.leaflet-bar");
        L.DomEvent.disableClickPropagation(this.tools);
        return this.tools;
      };
      bar.addTo(this.map);
      L.control.scale({ imperial: false, position: "bottomleft" }).addTo(this.map);
      const credit = L.control({ position: "bottomright" });
      const names = this.data.attribution.map((text) => el("span", " · " + text));
      credit.onAdd = () => el("div.af-credit", "Leaflet", ...names);
      credit.addTo(this.map);
    }

    /* ---- drawing everything that has words or depends on the night ---- */
    draw() {
      document.documentElement.lang = this.lang === "zh" ? "zh-CN" : "en";
      document.title = this.data.title[this.lang];
      this.drawHead();
      this.drawTools();
      this.drawTime();
      this.drawRasters();
      this.drawAlerts();
      this.panel.draw();
      if (this.measure.active) this.measure.describe();
    }

    drawHead() {
      const { data, lang, word } = this;
      const other = lang === "zh" ? "en" : "zh";
      const change = button(".af-language", word.otherLanguage, () => this.speak(other), word.otherLanguage);
      change.lang = other === "zh" ? "zh-CN" : "en";
      document.getElementById("af-head").replaceChildren(
        el("div.af-title", el("h1", data.title[lang]), el("p", data.subtitle[lang])), change);
      const lines = [];
      if (data.simulated) lines.push(el("div.af-simulated", word.simulated));
      if (data.ruleBased) lines.push(el("div.af-rule", word.ruleBased));
      document.getElementById("af-banner").replaceChildren(...lines);
    }

    drawTools() {
      const { word, map } = this;
      const tool = (name, label, action) => button(".af-tool." + name, label, action, icon(name));
      const tools = [
        tool("plus", word.zoomIn, () => map.zoomIn()),
        tool("minus", word.zoomOut, () => map.zoomOut()),
        tool("home", word.home, () => this.fit()),
        tool("ruler", word.measure, () => this.measure.toggle()),
      ];
      if (document.fullscreenEnabled) tools.push(tool("full", word.fullscreen, fullscreen));
      this.tools.replaceChildren(...tools);
    }

    drawTime() {
      const { data, word } = this;
      const at = data.nights.indexOf(this.night);
      const step = (by) => this.goTo(data.nights[Math.min(Math.max(at + by, 0), data.nights.length - 1)]);
      const alerts = this.visibleAlerts().map((alert) => this.stateOf(alert));
      const fresh = alerts.filter((state) => state.fresh).length;
      const open = alerts.filter((state) => state.status === "open").length;
      this.label = el("div.af-night", el("b", this.night),
        ...(data.once ? [] : [el("span", word.nightOf(at + 1, data.nights.length)), el("span", word.counts(fresh, open))]));
      const root = document.getElementById("af-time");
      if (!this.slider || this.spoken !== this.lang) {
        this.slider = af.range(word.night, at, 0, data.nights.length - 1, 1, (n) => this.goTo(data.nights[n]));
        this.spoken = this.lang;
      }
      this.slider.value = at;
      this.slider.setAttribute("aria-valuetext", this.night);
      const back = button(".af-step", word.previous, () => step(-1), icon("left"));
      const on = button(".af-step", word.next, () => step(1), icon("right"));
      back.disabled = at === 0;
      on.disabled = at === data.nights.length - 1;
      root.hidden = data.nights.length < 1;
      if (this.slider.parentNode !== root) root.replaceChildren(el("span"), this.slider, el("span"), this.label);
      // The slider stays in place, or a drag would end at its first step.
      root.children[0].replaceWith(back);
      root.children[2].replaceWith(on);
      root.children[3].replaceWith(this.label);
    }

    speak(lang) {
      this.lang = lang;
      remember(lang);
      this.map.closePopup();
      this.draw();
    }

    goTo(night) {
      if (night === this.night) return;
      this.night = night;
      this.map.closePopup();
      this.draw();
    }

    /* ---- pictures ---- */
    frameOf(frames) {
      return frames.filter((frame) => frame.night <= this.night).pop();
    }

    dates(layer) {
      const frames = Object.values(layer.tiles).map((list) => this.frameOf(list)).filter(Boolean);
      if (!frames.length) return this.word.noneYet;
      const days = [...new Set(frames.map((frame) => frame.image))].sort();
      const span = days.length === 1 ? days[0] : days[0] + " … " + days[days.length - 1];
      if (this.data.once) return span; // weather, or a difference of two images
      return layer.kind === "risk" ? this.word.mapOf(span) : this.word.imageOf(span);
    }

    drawRasters() {
      this.data.layers.forEach((layer) => Object.entries(layer.tiles).forEach(([tile, frames]) => {
        const key = layer.id + " " + tile;
        const frame = layer.shown ? this.frameOf(frames) : undefined;
        const old = this.overlays.get(key);
        if (old && old.frame === frame) return;
        if (old) { old.image.remove(); this.overlays.delete(key); }
        if (!frame) return;
        const image = L.imageOverlay(this.data.pictures[frame.picture], frame.corners, { pane: layer.id });
        this.overlays.set(key, { frame, image: image.addTo(this.map) });
        image.on("load", () => this.sharpen());
      }));
    }

    /* Enlarged pixels keep their edges; shrunk ones are averaged by the browser. */
    sharpen() {
      this.overlays.forEach(({ image }) => {
        const picture = image.getElement();
        picture.classList.toggle("af-raster", picture.clientWidth > picture.naturalWidth);
      });
    }

    show(layer, shown) {
      layer.shown = shown;
      if (layer.tiles) this.drawRasters();
      else this.map.getPane(layer.id).hidden = !shown;
    }

    fade(layer, opacity) {
      layer.opacity = opacity;
      this.map.getPane(layer.id).style.opacity = opacity;
    }

    /* ---- places, sensors, alerts ---- */
    popup(layer, content, options) {
      layer.on("click", (event) => {
        if (this.measure.active) { // the click is a point to measure
          if (!layer.options.bubblingMouseEvents) this.measure.add(event.latlng);
          return;
        }
        L.DomEvent.stopPropagation(event);
        this.openAt(options.at || event.latlng, content);
      });
      layer.on("keypress", (event) => {
        if (event.originalEvent.key === "Enter") this.openAt(options.at, content);
      });
    }

    /* A name beside the mouse; fingers get the popup at once. */
    hint(layer, text) {
      if (!matchMedia("(hover: hover)").matches) return;
      layer.bindTooltip(() => el("span", text()), { sticky: true });
    }

    openAt(place, content) {
      this.panel.fold();
      const size = this.map.getSize();
      L.popup({
        maxWidth: Math.min(340, size.x - 48), minWidth: Math.min(300, size.x - 48),
        maxHeight: Math.max(120, size.y - 90), autoPanPaddingTopLeft: [size.x > 700 ? 60 : 12, 12], autoPanPaddingBottomRight: [12, 12],
      }).setLatLng(place).setContent(content()).openOn(this.map);
    }

    drawPlaces() {
      const group = (this.groups.places = L.layerGroup().addTo(this.map));
      const renderer = this.data.places.length > MANY ? L.canvas({ pane: "places" }) : L.svg({ pane: "places" });
      const common = { pane: "places", renderer };
      L.polygon(this.data.area, { ...common, color: af.PLACE_COLORS.boundary, weight: 1.5, dashArray: "6 4", fill: false, interactive: false }).addTo(group);
      this.data.places.forEach((place) => {
        const shape = L.polygon(place.rings, { ...common, color: af.PLACE_COLORS[place.kind], weight: 1.5, fillOpacity: 0, bubblingMouseEvents: true });
        this.hint(shape, () => place.name[this.lang]);
        this.popup(shape, () => af.placePopup(place, this), {});
        shape.addTo(group);
      });
    }

    drawSensors() {
      const group = (this.groups.sensors = L.layerGroup().addTo(this.map));
      this.data.sensors.filter((sensor) => sensor.at).forEach((sensor) => {
        const mark = icon("drop");
        mark.style.fill = af.SENSOR_COLORS[sensor.state];
        const shape = el("div.af-drop", mark);
        const marker = L.marker(sensor.at, {
          pane: "sensors", alt: sensor.name || sensor.id, riseOnHover: true,
          icon: L.divIcon({ className: "af-sensor", html: shape, iconSize: [30, 30], iconAnchor: [15, 15] }),
        });
        this.hint(marker, () => sensor.name || sensor.id);
        this.popup(marker, () => af.sensorPopup(sensor, this), { at: sensor.at });
        marker.addTo(group);
      });
    }

    /* How an alert stood on the night shown. */
    stateOf(alert) {
      const changed = alert.changed <= this.night;
      const status = alert.status !== "open" && changed ? alert.status : "open";
      const age = af.daysBetween(alert.first, this.night);
      const step = this.data.alertAges.find((limit) => limit.days === null || age <= limit.days);
      return { status, age, fresh: age === 0, color: status === "open" ? step.color : RELEASED };
    }

    visibleAlerts() {
      const known = this.data.alerts.filter((alert) => alert.first <= this.night);
      const standing = (status) => known.filter((alert) => this.stateOf(alert).status === status);
      return [...standing("open"), ...standing("released")];
    }

    drawAlerts() {
      if (this.groups.alerts) this.groups.alerts.remove();
      const group = (this.groups.alerts = L.layerGroup().addTo(this.map));
      // Oldest first: what is new lies on top.
      this.visibleAlerts().slice().reverse().forEach((alert) => {
        const { color, status } = this.stateOf(alert);
        const dashArray = status === "open" ? null : "4 4";
        const shape = L.polygon(alert.rings, { pane: "alerts", color, weight: 2.5, fillColor: color, fillOpacity: 0.08, dashArray, smoothFactor: 0 });
        const dot = L.circleMarker(alert.at, { pane: "alerts", radius: 8, color: "#fff", weight: 2, fillColor: color, fillOpacity: 1, className: "af-alert" });
        [shape, dot].forEach((layer) => {
          this.hint(layer, () => alert.name[this.lang]);
          this.popup(layer, () => af.alertPopup(alert, this), { at: alert.at });
          layer.addTo(group);
        });
      });
    }

    visit(alert) {
      this.panel.fold();
      this.map.fitBounds(L.polygon(alert.rings).getBounds(), { maxZoom: 17, padding: [40, 40], animate: false });
      this.openAt(alert.at, () => af.alertPopup(alert, this));
    }

    visitSensor(sensor) {
      this.panel.fold();
      this.map.setView(sensor.at, Math.max(this.map.getZoom(), 14), { animate: false });
      this.openAt(sensor.at, () => af.sensorPopup(sensor, this));
    }
  }

  function fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }

  af.start = function (map) {
    const data = JSON.parse(document.getElementById("af-data").textContent);
    af.view = new View(map, data);
    window.addEventListener("resize", () => map.invalidateSize());
  };
})(window.agroforest);

/* Layers of the desk's map that draw themselves: graticule, legend, cards. Whatever comes
   from the desk is shown as text. */
window.deskMap = (() => {
  "use strict";
  const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
  const LINES = 7; // at most, across the map

  function node(name, text, attributes = {}) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function degrees(value, step, ends) {
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    return Math.abs(value).toFixed(digits) + "°" + (value < 0 ? ends[1] : ends[0]);
  }

  /* Lines of whole degrees, or parts of them, with their numbers at the edge. */
  const Graticule = L.LayerGroup.extend({
    onAdd(map) {
      L.LayerGroup.prototype.onAdd.call(this, map);
      map.on("moveend", this.draw, this);
      this.draw();
    },
    onRemove(map) {
      map.off("moveend", this.draw, this);
      L.LayerGroup.prototype.onRemove.call(this, map);
    },
    draw() {
      if (!this._map) return;
      const seen = this._map.getBounds();
      const [west, east] = [Math.max(seen.getWest(), -180), Math.min(seen.getEast(), 180)];
      const [south, north] = [Math.max(seen.getSouth(), -85), Math.min(seen.getNorth(), 85)];
      const span = Math.max(east - west, north - south);
      const step = STEPS.filter((each) => span / each <= LINES).pop() || STEPS[0];
      this.clearLayers();
      for (let n = Math.ceil(west / step); n * step <= east; n += 1) {
        this.line([[south, n * step], [north, n * step]]);
        this.number([north, n * step], degrees(n * step, step, "EW"), "below");
      }
      for (let n = Math.ceil(south / step); n * step <= north; n += 1) {
        this.line([[n * step, west], [n * step, east]]);
        this.number([n * step, east], degrees(n * step, step, "NS"), "beside");
      }
    },
    line(points) {
      this.addLayer(L.polyline(points, { className: "grid-line", interactive: false, pane: "ground" }));
    },
    number(at, text, where) {
      const icon = L.divIcon({ className: `grid-number ${where}`, html: node("span", text), iconSize: [0, 0] });
      this.addLayer(L.marker(at, { icon, interactive: false, keyboard: false }));
    },
  });

  /* Colours of a raster, from low to high. */
  function fillLegend(list, stops) {
    list.replaceChildren(...stops.map(([value, color]) => {
      const row = node("li");
      const swatch = node("span", "", { class: "swatch", "aria-hidden": "true" });
      swatch.style.backgroundColor = color;
      row.append(swatch, value);
      return row;
    }));
  }

  function buildCard(alert, words) {
    const card = node("div", "", { class: "map-card" });
    const title = node("h2", alert.name);
    title.prepend(node("span", "", { class: `hazard ${alert.hazard}`, "aria-hidden": "true" }));
    card.append(title, node("p", alert.stage_name, { class: `badge stage-${alert.stage}` }));
    if (alert.fake) card.append(" ", node("span", words["map.simulated"], { class: "badge sim" }));
    for (const line of alert.lines) card.append(node("p", line));
    card.append(node("a", words["map.open"], { class: "button", href: `/alerts/${encodeURIComponent(alert.id)}` }));
    return card;
  }

  return { node, Graticule, fillLegend, buildCard };
})();

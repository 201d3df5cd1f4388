/* The desk's map: what a box holds is asked for whenever the box changes. */
(() => {
  "use strict";
  const frame = document.getElementById("map");
  if (!frame || !window.L) return;
  const { node, Graticule, fillLegend, buildCard } = window.deskMap;
  const told = JSON.parse(frame.dataset.map);
  const words = told.words;
  const find = (id) => document.getElementById(id);
  const CHINA = [73, 18, 135, 54];
  const LISTED = 20;
  const WAIT_MS = 200; // after the last move before asking

  frame.replaceChildren();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(frame, {
    zoomControl: false, maxZoom: 18, minZoom: 2, worldCopyJump: false,
    fadeAnimation: !calm, zoomAnimation: !calm, inertia: !calm,
  });
  if (calm) { // Leaflet glides to make room for a card, and has no option for that
    map.panBy = (by, options) => L.Map.prototype.panBy.call(map, by, { ...options, animate: false });
  }
  map.attributionControl.setPrefix(false);
  L.control.zoom({ zoomInTitle: words["map.in"], zoomOutTitle: words["map.out"] }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  for (const [name, height] of [["ground", 250], ["places", 350]]) {
    map.createPane(name).style.zIndex = height;
  }
  const overlays = {
    counties: L.layerGroup(),
    grid: new Graticule(),
    parcels: L.layerGroup(),
    sensors: L.layerGroup(),
    alerts: L.layerGroup(),
  };
  const shapes = new Map();

  function settle() {
    const kept = /^#(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/.exec(location.hash);
    if (kept) {
      map.setView([Number(kept[2]), Number(kept[3])], Number(kept[1]));
      return;
    }
    const [west, south, east, north] = told.box || CHINA;
    map.fitBounds([[south, west], [north, east]], { padding: [12, 12], maxZoom: 15 });
  }

  // ------------------------------------------------------------------ ground
  function pickName(of) {
    const both = told.language === "zh" ? [of.zh, of.en] : [of.en, of.zh];
    return both[0] || both[1] || of.id || "";
  }

  function drawGround(ground) {
    L.geoJSON(ground.counties, {
      pane: "ground", interactive: false, style: { className: "county" },
      onEachFeature: (each, layer) => {
        const name = pickName(each.properties);
        if (name) layer.bindTooltip(node("span", name), { permanent: true, direction: "center", className: "county-name" });
      },
    }).addTo(overlays.counties);
    L.geoJSON(ground.areas, { pane: "ground", interactive: false, style: { className: "watched" } }).addTo(overlays.counties);
    L.geoJSON(ground.parcels, {
      pane: "places",
      style: (each) => ({ className: `field ${each.properties.light}` }),
      onEachFeature: (each, layer) => layer.bindPopup(() => {
        const card = node("div", "", { class: "map-card" });
        const said = told.language === "zh" ? each.properties.said_zh : each.properties.said_en;
        card.append(node("h2", pickName(each.properties)), node("p", said || ""));
        return card;
      }),
    }).addTo(overlays.parcels);
    L.geoJSON(ground.sensors, {
      pane: "places",
      pointToLayer: (each, at) => L.circleMarker(at, { pane: "places", radius: 6, className: "probe" }),
      onEachFeature: (each, layer) => layer.bindPopup(() => {
        const card = node("div", "", { class: "map-card" });
        card.append(node("h2", each.properties.name), node("p", each.properties.id, { class: "id" }));
        if (each.properties.fake) card.append(node("span", words["map.simulated"], { class: "badge sim" }));
        return card;
      }),
    }).addTo(overlays.sensors);
  }

  // ------------------------------------------------------------------ alerts
  let asking = null;
  let timer = 0;

  function readBox() {
    const seen = map.getBounds();
    const inside = (value, most) => Math.min(Math.max(value, -most), most).toFixed(6);
    return [inside(seen.getWest(), 180), inside(seen.getSouth(), 90), inside(seen.getEast(), 180), inside(seen.getNorth(), 90)].join(",");
  }

  async function ask() {
    if (asking) asking.abort();
    const mine = asking = new AbortController();
    const asked = new URLSearchParams(location.search);
    asked.set("box", readBox());
    try {
      const answer = await fetch(`/map/alerts.json?${asked}`, { signal: mine.signal, headers: { Accept: "application/json" } });
      if (answer.status === 401) location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      drawAlerts(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") find("map-said").textContent = words["map.failed"];
    }
  }

  /* What is drawn already stays: a card that is open is not taken from its reader. */
  function drawAlerts(found) {
    const drawn = new Map(found.features.filter((each) => each.geometry).map((each) => [each.properties.id, each]));
    for (const [id, shape] of shapes) {
      const each = drawn.get(id);
      const isSame = each && (shape.isPopupOpen() || JSON.stringify(each) === shape.source);
      if (!isSame) {
        overlays.alerts.removeLayer(shape);
        shapes.delete(id);
      }
    }
    for (const [id, each] of drawn) {
      if (shapes.has(id)) continue;
      const shape = L.geoJSON(each, { style: { className: `case ${each.properties.hazard}` } });
      shape.source = JSON.stringify(each);
      shape.bindPopup(() => buildCard(each.properties, words), { autoPanPadding: [10, 10] });
      shapes.set(id, shape);
      overlays.alerts.addLayer(shape);
    }
    // The most pressing lies on top of the others.
    for (const id of [...drawn.keys()].reverse()) shapes.get(id).bringToFront();
    const shown = found.features.length;
    const said = !shown ? "map.none" : found.total > shown ? "map.rest" : "map.shown";
    find("map-said").textContent = words[said].replace("{shown}", shown).replace("{total}", found.said);
    find("map-list").replaceChildren(...found.features.slice(0, LISTED).map((each) => listAlert(each.properties)));
    frame.dataset.drawn = String(shown);
  }

  function listAlert(alert) {
    const row = node("li");
    const button = node("button", alert.name, { type: "button", class: "linklike" });
    button.prepend(node("span", "", { class: `hazard ${alert.hazard}`, "aria-hidden": "true" }));
    button.disabled = !shapes.has(alert.id);
    button.addEventListener("click", () => {
      const shape = shapes.get(alert.id);
      if (!shape) return;
      frame.scrollIntoView({ block: "nearest" });
      shape.openPopup(shape.getBounds().getCenter());
    });
    row.append(button, node("span", alert.lines.slice(0, 2).join(" · "), { class: "small" }));
    return row;
  }

  // ----------------------------------------------------------------- rasters
  let raster = null;

  function showRaster() {
    const layer = told.layers[Number(find("map-raster").value || -1)];
    if (raster) raster.remove();
    raster = null;
    find("map-choices").hidden = !layer;
    if (!layer) return;
    raster = L.tileLayer(`${layer.address}${find("map-day").value}/{z}/{x}/{y}.png`, {
      maxNativeZoom: told.deepest,
      maxZoom: 18,
      minZoom: 2,
      noWrap: true,
      opacity: Number(find("map-opacity").value) / 100,
      attribution: layer.credit.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`),
      className: "raster",
    }).addTo(map);
  }

  function chooseRaster() {
    const layer = told.layers[Number(find("map-raster").value || -1)];
    if (layer) {
      find("map-day").replaceChildren(...layer.days.map((day) => node("option", day)));
      fillLegend(find("map-legend"), layer.stops);
    }
    showRaster();
  }

  find("map-raster").addEventListener("change", chooseRaster);
  find("map-day").addEventListener("change", showRaster);
  find("map-opacity").addEventListener("input", (event) => {
    if (raster) raster.setOpacity(Number(event.target.value) / 100);
  });
  find("map-overlays").addEventListener("change", (event) => {
    const layer = overlays[event.target.value];
    if (event.target.checked) map.addLayer(layer);
    else map.removeLayer(layer);
  });
  // Leaflet names its button in English.
  map.on("popupopen", (event) => {
    const close = event.popup.getElement().querySelector(".leaflet-popup-close-button");
    if (close) close.setAttribute("aria-label", words["map.close"]);
  });

  settle();
  Object.values(overlays).forEach((layer) => layer.addTo(map));
  map.on("moveend", () => {
    const at = map.getCenter();
    history.replaceState(null, "", `#${map.getZoom()}/${at.lat.toFixed(4)}/${at.lng.toFixed(4)}`);
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  ask();
  fetch("/map/ground.json", { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then(drawGround)
    .catch(() => { find("map-said").textContent = words["map.failed"]; })
    .finally(() => { frame.dataset.ground = "drawn"; });
})();

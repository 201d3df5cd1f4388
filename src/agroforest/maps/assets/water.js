/* Parcels and their water on the map of a night, as traffic lights. Wraps the view, with
   or without fire beside it; see water_panel.js for what stands beside the map. */
(function (af) {
  "use strict";
  const { el, button } = af;
  const MANY = 1000; // outlines; above this a canvas is faster than one element each
  const WEIGHTS = { red: 3.5, amber: 3, green: 2, grey: 2 };
  // Pixels of a parcel on the screen: below the first its sign is a speck, below the
  // second it is small, above the third there is room for the amount.
  const SPECK = 13, SMALL = 26, ROOM = 84;
  const BESIDE = 26; // pixels from a probe, which a sign must not cover

  class Water {
    constructor(view) {
      const data = view.data.water;
      Object.assign(this, { view, data, map: view.map, parcels: data.parcels });
      this.byId = new Map(data.parcels.map((parcel) => [parcel.id, parcel]));
      view.water = this;
      this.addLayer();
      this.addBar();
      this.wrap();
      this.map.on("zoomend", () => this.size());
      // Where there are no pictures, parcels are what the page is about.
      if (view.panel.open === "layers" && !view.data.layers.length) view.panel.open = "water";
      view.draw();
    }

    /* An earlier night did not know of this. */
    get tonight() { return this.view.night === this.view.data.night; }
    count(light) { return this.parcels.filter((parcel) => parcel.light === light).length; }
    find(id) { return this.tonight ? this.byId.get(id) : undefined; }

    addLayer() {
      const pane = this.map.createPane("water");
      pane.style.zIndex = this.map.getPane("places").style.zIndex; // made later, so above
      pane.style.pointerEvents = "none"; // shapes inside switch it on for themselves
      this.renderer = this.parcels.length > MANY ? L.canvas({ pane: "water" }) : L.svg({ pane: "water" });
      this.view.vectors.unshift({ id: "water", kind: "water", shown: true, opacity: 1 });
    }

    /* How many parcels of each light, on the map itself: on a phone the panel is folded. */
    addBar() {
      this.bar = el("div.af-lights");
      L.DomEvent.disableClickPropagation(this.bar);
      this.map.getContainer().appendChild(this.bar);
    }

    wrap() {
      const { view } = this;
      const { draw, show } = view; // of the view itself, or of what wrapped it before
      view.draw = () => { draw.call(view); this.draw(); };
      view.show = (layer, shown) => { show.call(view, layer, shown); if (layer.kind === "water") this.drawBar(); };
    }

    get shown() { return this.tonight && this.view.findLayer("water").shown; }

    draw() {
      if (this.group) this.group.remove();
      this.group = L.layerGroup().addTo(this.map);
      this.marks = [];
      // The most urgent last: it lies on top.
      if (this.tonight) this.parcels.slice().reverse().forEach((parcel) => this.drawParcel(parcel));
      this.size();
      this.drawBar();
    }

    drawParcel(parcel) {
      const { view } = this;
      const color = af.LIGHT_COLORS[parcel.light];
      const shape = L.polygon(parcel.rings, {
        pane: "water", renderer: this.renderer, color, weight: WEIGHTS[parcel.light],
        fillColor: color, fillOpacity: 0.3, className: "af-parcel", smoothFactor: 0.5,
      });
      const label = af.waterLabel(parcel, view);
      const sign = el("div.af-badge", af.lightSign(parcel.light), label ? el("span", label) : "");
      sign.dataset.light = parcel.light;
      const mark = L.marker(parcel.at, {
        pane: "water", alt: view.word.water.lights[parcel.light] + " " + parcel.name[view.lang], riseOnHover: true,
        zIndexOffset: 1000 * (this.data.lights.length - this.data.lights.indexOf(parcel.light)),
        icon: L.divIcon({ className: "af-sign", html: sign, iconSize: [30, 30], iconAnchor: [15, 15] }),
      });
      [shape, mark].forEach((layer) => {
        view.hint(layer, () => af.waterTitle(parcel, view.lang));
        view.popup(layer, () => this.card(parcel), { at: parcel.at });
        layer.addTo(this.group);
      });
      this.marks.push({ sign, at: parcel.at, bounds: shape.getBounds() });
    }

    size() {
      const pixel = (at) => this.map.latLngToLayerPoint(at);
      const probes = this.view.data.sensors.filter((sensor) => sensor.at).map((sensor) => pixel(sensor.at));
      this.marks.forEach(({ sign, at, bounds }) => {
        const corner = pixel(bounds.getSouthEast()).subtract(pixel(bounds.getNorthWest()));
        const side = Math.min(corner.x, corner.y), place = pixel(at);
        sign.classList.toggle("af-speck", side < SPECK);
        sign.classList.toggle("af-tiny", side < SMALL);
        sign.classList.toggle("af-roomy", side >= ROOM);
        sign.classList.toggle("af-aside", probes.some((probe) => probe.distanceTo(place) < BESIDE));
      });
    }

    drawBar() {
      const { word, data } = this.view;
      this.bar.hidden = !this.shown || !this.parcels.length;
      const counts = data.water.lights.filter((light) => this.count(light)).map((light) => {
        const part = el("span.af-light-count", af.lightSign(light), this.count(light));
        part.title = word.water.lights[light];
        return part;
      });
      const label = word.water.onMap + word.colon + data.water.lights.filter((light) => this.count(light))
        .map((light) => word.water.lights[light] + " " + this.count(light)).join(", ");
      const all = button(".af-lights-open", label, (event) => { event.stopPropagation(); this.list(); }, ...counts);
      this.bar.replaceChildren(all);
    }

    list() {
      if (this.view.panel.open !== "water") this.view.panel.select("water");
    }

    /* With the danger of fire where the parcel is, as every place has it. */
    card(parcel) {
      const content = af.waterCard(parcel, this.view), { fire } = this.view;
      if (!fire) return content;
      fire.clicked = L.latLng(parcel.at);
      const cell = fire.cellPopup();
      if (cell) content.append(el("hr"), ...cell.childNodes);
      return content;
    }

    visit(parcel) {
      this.view.panel.fold();
      this.map.fitBounds(L.polygon(parcel.rings).getBounds(), { maxZoom: 16, padding: [40, 40], animate: false });
      this.view.openAt(parcel.at, () => this.card(parcel));
    }
  }

  const { start } = af;
  af.start = function (map) {
    start(map);
    new Water(af.view);
  };
})(window.agroforest);

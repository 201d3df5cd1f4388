/* Distance and area on the sphere, point by point; works with fingers too. */
(function (af) {
  "use strict";
  const RADIUS = 6371008.8; // metres, mean earth radius (IUGG)
  const radians = (degrees) => (degrees * Math.PI) / 180;

  /* Square metres; Chamberlain & Duquette 2007, "Some algorithms for polygons on a
     sphere", equation for the area between the polygon and the equator. */
  af.sphericalArea = function (points) {
    let total = 0;
    points.forEach((point, n) => {
      const next = points[(n + 1) % points.length];
      total += radians(next.lng - point.lng) *
        (2 + Math.sin(radians(point.lat)) + Math.sin(radians(next.lat)));
    });
    return Math.abs((total * RADIUS * RADIUS) / 2);
  };

  af.pathLength = (map, points) =>
    points.slice(1).reduce((sum, point, n) => sum + map.distance(points[n], point), 0);

  af.Measure = class {
    constructor(map, words) {
      this.map = map;
      this.words = words; // function: words of the language in use
      this.points = [];
      this.active = false;
      this.shapes = L.layerGroup();
      this.box = af.el("div.af-measure");
      this.box.hidden = true;
      this.box.setAttribute("role", "status");
      L.DomEvent.disableClickPropagation(this.box);
      map.getContainer().appendChild(this.box);
      map.on("click", (event) => this.active && this.add(event.latlng));
    }

    toggle() {
      this.active = !this.active;
      this.points = [];
      this.map.getContainer().classList.toggle("af-measuring", this.active);
      if (this.active) this.shapes.addTo(this.map);
      else this.shapes.remove();
      this.draw();
    }

    add(point) {
      this.points.push(point);
      this.draw();
    }

    draw() {
      const style = { color: "#111", weight: 2, dashArray: "5 4", interactive: false, pane: "af-measure" };
      this.shapes.clearLayers();
      const shape = this.points.length > 2 ? L.polygon : L.polyline;
      if (this.points.length > 1) shape(this.points, style).addTo(this.shapes);
      this.points.forEach((point) =>
        L.circleMarker(point, { ...style, radius: 4, dashArray: null, fillColor: "#fff", fillOpacity: 1 }).addTo(this.shapes));
      this.box.hidden = !this.active;
      if (this.active) this.describe();
    }

    describe() {
      const word = this.words();
      const clear = () => { this.points = []; this.draw(); };
      this.box.replaceChildren(
        ...this.results(word),
        af.el("span.af-buttons",
          af.button(".af-plain", word.measureClear, clear, word.measureClear),
          af.button(".af-plain", word.measureDone, () => this.toggle(), word.measureDone)));
    }

    results(word) {
      if (this.points.length < 2) return [af.el("span", word.measureHint)];
      const metres = af.pathLength(this.map, this.points);
      const length = metres < 1000 ? metres.toFixed(0) + " m" : (metres / 1000).toFixed(2) + " km";
      const found = [af.el("span", word.distance + " " + length)];
      if (this.points.length > 2) {
        const ha = af.sphericalArea(this.points) / 10000;
        const size = { ha: ha.toFixed(2), mu: (ha * 15).toFixed(1) };
        found.push(af.el("span", word.area + " " + word.areaText(size)));
      }
      return found;
    }
  };
})(window.agroforest);

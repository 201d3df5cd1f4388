/* Fire events as marks and facts: what the page of hotspots and the fires of a night
   share. Events come as columns; nothing from outside is ever markup. */
(function (af) {
  "use strict";
  const { el, svg } = af;
  const EDGE = "#2a2320";
  const OUTLINES = { fire: "M9 2a7 7 0 1 0 .01 0z", crop: "M9 2l7 13H2z", static: "M3 3h12v12H3z" };

  /* Leaflet draws circles only; squares and triangles tell kinds apart without colour. */
  const Mark = L.CircleMarker.extend({
    _updatePath() {
      const renderer = this._renderer;
      if (this.options.kind === "fire") { renderer._updateCircle(this); return; }
      const { x, y } = this._point, r = this._radius;
      const [first, ...rest] = this.options.kind === "static" ? square(x, y, r - 1) : triangle(x, y, r);
      if (renderer instanceof L.SVG) {
        renderer._setPath(this, this._empty() ? "M0 0" : "M" + [first, ...rest].map((point) => point.join(" ")).join("L") + "z");
        return;
      }
      if (!renderer._drawing || this._empty()) return;
      const ctx = renderer._ctx;
      ctx.beginPath();
      ctx.moveTo(...first);
      rest.forEach((point) => ctx.lineTo(...point));
      ctx.closePath();
      renderer._fillStroke(ctx, this);
    },
  });
  const square = (x, y, r) => [[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]];
  const triangle = (x, y, r) => [[x, y - r], [x + r, y + r * 0.8], [x - r, y + r * 0.8]];

  class Events {
    constructor(data) {
      Object.assign(this, { data, columns: data.events, count: data.events.id.length });
    }

    at(n) { return [this.columns.lat[n], this.columns.lon[n]]; }
    kindOf(n) { return this.data.kinds[this.columns.kind[n]]; }
    confidenceOf(n) { return this.data.confidences[this.columns.confidence[n]]; }
    placeOf(n) { return this.at(n).map((degrees) => degrees.toFixed(4)).join(", "); }

    colorOf(n) {
      const age = this.columns.age[n];
      return this.data.ages.find((step) => step.hours === null || age <= step.hours).color;
    }

    nameOf(n, layer, lang) {
      const number = this.columns[layer][n];
      return number < 0 ? "" : this.data.names[number][lang];
    }

    radiusOf(n) { return 4 + Math.min(3.5, 0.7 * Math.log2(this.columns.detections[n])); }

    mark(n, pane, renderer) {
      return new Mark(this.at(n), {
        pane, renderer, n, kind: this.kindOf(n), color: EDGE, weight: 1, radius: this.radiusOf(n),
        fillColor: this.colorOf(n), fillOpacity: 0.92,
      });
    }

    /* Rows of a popup; `outside` stands for a county where boundaries were given. */
    facts(n, lang, outside) {
      const e = this.columns, own = af.WORDS[lang].hotspots;
      const time = (local, utc) => (local === utc ? el("span", plain(utc)) : el("span", plain(local), el("br"), plain(utc)));
      const sensors = own.bySensor(e.viirs[n], e.modis[n], e.detections[n] - e.viirs[n] - e.modis[n]);
      return [
        [own.county, this.nameOf(n, "county", lang) || outside], [own.township, this.nameOf(n, "township", lang)],
        [own.first, time(e.firstLocal[n], e.firstUtc[n])], [own.last, time(e.lastLocal[n], e.lastUtc[n])],
        [own.sinceLast, own.hours(e.age[n])],
        [own.detections, sensors + (e.satellites[n] ? " (" + e.satellites[n] + ")" : "")],
        [own.confidenceShort, own.confidences[this.confidenceOf(n)]],
        [own.frp, e.frp[n] === null ? null : e.frp[n] + " MW"],
        [own.crop, e.crop[n] === null ? null : Math.round(e.crop[n] * 100) + " %"],
        [own.place, this.placeOf(n)], [own.number, e.id[n]],
      ];
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

  Object.assign(af, { Events, plain, shape });
})(window.agroforest);

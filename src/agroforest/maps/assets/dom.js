/* Elements, icons, legends and charts. Text from outside is only ever set as text. */
(function (af) {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";

  /* el("p.note", "text", child, …): class after the dot; strings become text nodes. */
  function el(kind, ...children) {
    const [tag, ...classes] = kind.split(".");
    const node = document.createElement(tag);
    if (classes.length) node.className = classes.join(" ");
    append(node, children);
    return node;
  }

  function svg(tag, attributes, ...children) {
    const node = document.createElementNS(SVG, tag);
    Object.entries(attributes || {}).forEach(([key, value]) => node.setAttribute(key, value));
    append(node, children);
    return node;
  }

  function append(node, children) {
    children.forEach((child) => {
      if (child === null || child === undefined || child === "") return;
      node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
    });
  }

  function button(kind, label, action, ...children) {
    const node = el("button" + kind, ...children);
    node.type = "button";
    node.setAttribute("aria-label", label);
    node.title = label;
    node.addEventListener("click", action);
    return node;
  }

  const ICONS = {
    plus: "M12 5v14M5 12h14",
    minus: "M5 12h14",
    home: "M4 11l8-7 8 7M6 10v9h12v-9",
    full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    ruler: "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2",
    left: "M15 5l-7 7 7 7",
    right: "M9 5l7 7-7 7",
    drop: "M12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11z",
    close: "M6 6l12 12M18 6L6 18",
  };

  function icon(name) {
    const node = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "af-icon" });
    node.appendChild(svg("path", { d: ICONS[name] }));
    return node;
  }

  function range(label, value, low, high, step, action) {
    const node = el("input");
    Object.assign(node, { type: "range", min: low, max: high, step: step });
    node.value = value;
    node.setAttribute("aria-label", label);
    node.addEventListener("input", () => action(Number(node.value)));
    return node;
  }

  function swatch(kind, text, color) {
    const box = el("span.af-swatch." + kind);
    if (color) box.style.setProperty("--color", color);
    return el("div.af-key", box, el("span", text));
  }

  /* Scale with ticks; the strip is a picture made from the map's own palette. */
  function scale(legend, pictures, word) {
    const strip = el("img.af-strip");
    strip.src = pictures[legend.strip];
    strip.alt = "";
    const bar = el("div.af-bar", strip);
    const labels = el("div.af-ticks");
    legend.ticks.forEach((tick) => {
      const label = el("span.af-tick", tick.label);
      label.style.left = tick.at * 100 + "%";
      if (tick.at === 0) label.classList.add("first");
      if (tick.at === 1) label.classList.add("last");
      labels.appendChild(label);
      if (tick.kind === "threshold") {
        const mark = el("span.af-mark");
        mark.style.left = tick.at * 100 + "%";
        mark.title = word.threshold;
        bar.appendChild(mark);
      }
    });
    return el("div.af-scale", bar, labels);
  }

  /* One chart of agroforest.maps.chart. */
  function chart(spec, size, lang, word) {
    const root = svg("svg", { viewBox: "0 0 " + size.width + " " + size.height, class: "af-chart", role: "img" });
    root.setAttribute("aria-label", spec.title[lang]);
    spec.y.forEach((tick) => {
      root.appendChild(svg("line", { x1: 38, x2: size.width - 8, y1: tick.at, y2: tick.at, class: "grid" }));
      root.appendChild(svg("text", { x: 34, y: tick.at + 3.5, "text-anchor": "end" }, tick.label));
    });
    spec.x.forEach((tick) =>
      root.appendChild(svg("text", { x: tick.at, y: size.height - 7, "text-anchor": tick.anchor }, tick.label)));
    spec.lines.forEach((line) =>
      line.segments.forEach((points) => root.appendChild(
        spec.kind === "bar" ? bars(points, spec.floor, line.color) : curve(points, line.color))));
    spec.flagged.forEach(([x, y]) => root.appendChild(svg("path", {
      class: "flagged", d: "M" + (x - 3) + " " + (y - 3) + "l6 6m0-6l-6 6" })));
    const head = el("div.af-chart-head", el("b", spec.title[lang]), el("span", spec.unit));
    return el("figure.af-figure", head, root, chartNotes(spec, word));
  }

  function curve(points, color) {
    if (points.length === 1) {
      return svg("circle", { cx: points[0][0], cy: points[0][1], r: 1.6, fill: color });
    }
    return svg("polyline", { points: points.map((p) => p.join(",")).join(" "), stroke: color, class: "line" });
  }

  function bars(points, floor, color) {
    return svg("path", { class: "line", stroke: color, d: points.map(([x, y]) => "M" + x + " " + floor + "V" + y).join("") });
  }

  function chartNotes(spec, word) {
    const notes = el("figcaption");
    spec.lines.forEach((line) => {
      const dash = el("i.af-dash");
      dash.style.background = line.color;
      const latest = line.latest ? word.latest(line.latest.value + " " + spec.unit, line.latest.time) : word.noTrusted;
      notes.appendChild(el("span.af-depth", dash, (line.label + " " + latest).trim()));
    });
    if (spec.doubtful) notes.appendChild(el("span.af-flag", word.flagged(spec.doubtful)));
    if (spec.missing) notes.appendChild(el("span.af-flag", word.missing(spec.missing)));
    return notes;
  }

  Object.assign(af, { el, svg, button, icon, range, swatch, scale, chart });
})(window.agroforest);

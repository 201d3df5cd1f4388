/* What changed since the year before: a group of layers, and causes in popups. In the
   page only where there is something of the kind. */
(function (af) {
  "use strict";
  const { el } = af;
  const WORDS = {
    zh: {
      group: "与上年比较",
      low: "未受损", high: "受损",
      threshold: "检出阈值",
      empty: "未比较（非林地，或两年中有一年没有清晰影像）",
      cause: "可能成因",
      likely: (cause) => cause.zh + "（" + Math.round(cause.probability * 100) + " %）",
    },
    en: {
      group: "Year on year",
      low: "not damaged", high: "damaged",
      threshold: "detection threshold",
      empty: "Not compared (not forest, or one of the years without a clear image)",
      cause: "Likely cause",
      likely: (cause) => cause.en + " (" + Math.round(cause.probability * 100) + " %)",
    },
  };
  const panel = af.Panel.prototype;
  const { layers, layerRow, legend } = panel;
  const popup = af.alertPopup;

  panel.layers = function () {
    const { data, lang } = this.view;
    const rows = data.layers.filter((layer) => layer.kind === "yearly").map((layer) => this.layerRow(layer));
    const found = layers.call(this);
    if (!rows.length) return found;
    const risks = data.layers.filter((layer) => layer.kind === "risk").length;
    const at = risks ? 1 + risks : 0; // behind the heading and rows of the risks
    return [...found.slice(0, at), el("h2", WORDS[lang].group), ...rows, ...found.slice(at)];
  };

  panel.layerRow = function (layer) {
    const row = layerRow.call(this, layer);
    if (layer.kind === "yearly") row.querySelector(".af-when").textContent = layer.span[this.view.lang];
    return row;
  };

  panel.legend = function (layer) {
    if (layer.kind !== "yearly") return legend.call(this, layer);
    const { word, lang, data } = this.view;
    const own = WORDS[lang];
    const content = el("div.af-legend",
      af.scale(layer.legend, data.pictures, word),
      el("div.af-ends", el("span", own.low), el("span", own.high)),
      af.swatch("mark", own.threshold),
      af.swatch("empty", own.empty));
    layer.legend.models.forEach((model) => content.appendChild(el("div.af-model", word.model + word.colon + model)));
    content.appendChild(el("p.af-note", layer.limits[lang]));
    return content;
  };

  af.alertPopup = function (alert, view) {
    const content = popup(alert, view);
    if (!alert.cause) return content;
    const own = WORDS[view.lang];
    const list = content.querySelector("dl");
    list.append(el("dt", own.cause), el("dd", own.likely(alert.cause)));
    list.after(el("p.af-note", alert.cause.caveat[view.lang]));
    return content;
  };
})(window.agroforest);

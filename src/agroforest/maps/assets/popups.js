/* What opens when something on the map is clicked: elements, never markup. */
(function (af) {
  "use strict";
  const { el } = af;
  const DAY = 86400000;

  af.daysBetween = (early, late) => Math.round((Date.parse(late) - Date.parse(early)) / DAY);

  function rows(pairs) {
    const list = el("dl.af-rows");
    pairs.filter(([, value]) => value !== "" && value !== null).forEach(([name, value]) => {
      list.appendChild(el("dt", name));
      list.appendChild(el("dd", value));
    });
    return list;
  }
  af.rows = rows;

  af.alertPopup = function (alert, view) {
    const { word, lang, night, data } = view;
    const state = view.stateOf(alert);
    const tag = el("span.af-tag", state.fresh ? word.isNew : word.status[state.status]);
    tag.style.background = state.color;
    const age = af.daysBetween(alert.evidence, night);
    const content = el("div.af-popup",
      el("h3", alert.says[lang]),
      el("p.af-other", alert.says[lang === "zh" ? "en" : "zh"]),
      rows([
        [word.area, el("span", tag, " ", word.areaText(alert.area))],
        [word.since, alert.since],
        [word.evidence, alert.evidence + (age >= 0 ? word.daysBefore(age) : "")],
        [word.first, alert.first],
        [word.places, alert.places.map((p) => p[lang]).join(lang === "zh" ? "、" : ", ")],
        [word.probability, Math.round(alert.probability * 100) + " %"],
        [word.model, alert.model],
        [word.number, alert.id],
      ]),
      el("p.af-note", word.notDiagnosis));
    if (night !== data.night) content.appendChild(el("p.af-note", word.asOf(data.night)));
    return content;
  };

  af.sensorPopup = function (sensor, view) {
    const { word, lang, data } = view;
    const content = el("div.af-popup",
      el("h3", sensor.name || sensor.id),
      el("p.af-other", sensor.id + (sensor.simulated ? " · " + word.isSimulated : "")));
    if (!sensor.charts.length) content.appendChild(el("p", word.noReadings));
    sensor.charts.forEach((spec) => content.appendChild(af.chart(spec, data.chart, lang, word)));
    if (sensor.charts.length) {
      const sign = data.utcOffset < 0 ? "−" : "+";
      content.appendChild(el("p.af-note", "UTC" + sign + Math.abs(data.utcOffset)));
    }
    return content;
  };

  af.placePopup = function (place, view) {
    const { word, lang } = view;
    return el("div.af-popup",
      el("h3", place.name[lang]),
      rows([[word.kinds[place.kind], place.id], [word.cover, place.cover]]));
  };
})(window.agroforest);

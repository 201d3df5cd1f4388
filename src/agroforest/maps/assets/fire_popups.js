/* What opens on a cell, a hotspot, an alert of fire and a scar: elements, never markup. */
(function (af) {
  "use strict";
  const { el, button } = af;
  const { alertPopup, placePopup } = af;

  /* A probability that nobody gave is not zero: its row goes. */
  function withoutProbability(content, view) {
    content.querySelectorAll("dt").forEach((name) => {
      if (name.textContent !== view.word.probability) return;
      name.nextElementSibling.remove();
      name.remove();
    });
    return content;
  }

  af.alertPopup = function (alert, view) {
    const facts = view.fire && view.fire.factsByAlert.get(alert.id);
    if (facts) return af.fireAlertPopup(facts, view);
    const content = alertPopup(alert, view);
    return alert.probability === null ? withoutProbability(content, view) : content;
  };

  af.placePopup = function (place, view) {
    const content = placePopup(place, view);
    const cell = view.fire && view.fire.cellPopup();
    if (cell) content.append(el("hr"), ...cell.childNodes);
    return content;
  };

  /* ---- danger ---- */
  function plainNumber(value, digits) { return value.toFixed(digits).replace("-", "−"); }

  af.rankTag = function (rank, view) {
    const tag = el("span.af-rank", view.word.fire.ranks[rank]);
    tag.style.setProperty("--color", view.fire.rankColor(rank));
    return tag;
  };

  af.cellPopup = function (day, cell, view) {
    const { word, lang } = view, own = word.fire;
    const share = cell.probability;
    const missing = day.missing.map((name) => name[lang]).join(lang === "zh" ? "、" : ", ");
    return el("div.af-popup",
      el("h3", own.cell),
      el("p.af-other", day.forecast ? own.forecastOf(day.day) : day.day),
      view.fire.dayButtons(true),
      el("p", af.rankTag(cell.rank, view)),
      af.rows([
        ...(day.probability ? [[own.probability, share === null ? own.unknownHere : percent(share) + (day.model ? own.ofModel(day.model) : "")]] : []),
        ...cell.drivers.map(({ driver, value }) => [driver.name[lang],
          value === null ? own.unknownHere : (plainNumber(value, driver.digits) + " " + driver.unit).trim()]),
        [own.drivers, view.data.fire.danger.complete ? "" : own.tooMany],
        [own.missing, missing || own.none],
      ]),
      el("p.af-note", view.fire.limits()[lang]));
  };

  function percent(share) {
    const hundredths = share * 100;
    return (hundredths > 0 && hundredths < 10 ? String(Number(hundredths.toPrecision(2))) : hundredths.toFixed(0)) + " %";
  }

  /* ---- hotspots and alerts ---- */
  function headed(n, view, ...content) {
    const { word, lang, fire } = view, kind = fire.list.kindOf(n);
    return el("div.af-popup",
      el("h3", word.hotspots.heads[kind]),
      el("p.af-other", af.WORDS[lang === "zh" ? "en" : "zh"].hotspots.heads[kind]),
      ...content,
      el("p.af-note", word.fire.heat + " " + word.hotspots.cause));
  }

  af.eventPopup = function (n, view) {
    const { word, lang, fire } = view, own = word.fire, held = fire.heldOf.get(n);
    const { where, seen, number } = facts(n, view);
    return headed(n, view, af.rows([
      ...where, ...seen, [own.gate, held ? own.gates.held + word.colon + held.says[lang] : ""], number]));
  };

  /* County and township, what was seen, and the number, which comes last. */
  function facts(n, view) {
    const rows = view.fire.list.facts(n, view.lang, "");
    const looks = [view.word.fire.looks, view.fire.data.looks[n]];
    return { where: rows.slice(0, 2), seen: [...rows.slice(2, -1), looks], number: rows[rows.length - 1] };
  }

  af.fireAlertPopup = function (said, view) {
    const { word, lang, fire } = view, own = word.fire;
    const alert = fire.alertById.get(said.alert);
    const found = said.verification;
    const places = alert ? alert.places.map((place) => place[lang]).join(lang === "zh" ? "、" : ", ") : "";
    const scars = fire.data.scars.filter((scar) => scar.alert === said.alert);
    const says = said.says[lang];
    const { where, seen, number } = facts(said.event, view);
    return headed(said.event, view,
      el("p.af-hour", af.clock.line(said, view)),
      af.rows([
        [own.note, found ? found.note : ""],
        ...where,
        [word.places, places],
        [own.look, alert ? word.areaText(alert.area) + own.noArea : ""],
        ...seen,
        [own.gate, own.gates[said.gate] + (says ? word.colon + says : "")],
        [own.raised, af.clock.date(said.raised, view)],
        [own.status, alert ? word.status[alert.status] : ""],
        [own.alertNumber, said.alert],
        number,
      ]),
      ...scars.map((scar) => fire.scarButton(scar, own.scars + " " + word.areaText(scar.area))));
  };

  /* ---- scars ---- */
  af.scarPopup = function (scar, view) {
    const { word, lang } = view, own = word.fire;
    const table = el("table.af-severity", el("caption", own.severity), ...scar.severity.map((part) =>
      el("tr", el("td", part[lang]), el("td", word.areaText(part)))));
    const shown = Object.keys(scar.pictures).length;
    return el("div.af-popup",
      el("h3", scar.verdict[lang]),
      el("p.af-other", scar.verdict[lang === "zh" ? "en" : "zh"]),
      af.rows([
        [own.area, word.areaText(scar.area)],
        [own.images, own.imagesOf(scar.before, scar.after)],
        [own.alertNumber, scar.alert],
        [own.scarNumber, scar.id],
      ]),
      scar.severity.length ? table : "",
      scar.before ? "" : el("p.af-note", own.noBefore),
      shown ? button(".af-plain.af-look", shown === 2 ? own.compare : own.compareAfter,
        () => view.fire.compare(scar), shown === 2 ? own.compare : own.compareAfter) : "",
      el("p.af-note", own.scarNote));
  };
})(window.agroforest);

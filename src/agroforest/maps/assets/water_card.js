/* The card of a parcel: what to do in one sentence, then how much, until when and why.
   Elements, never markup. */
(function (af) {
  "use strict";
  const { el, svg, button } = af;
  const { placePopup } = af;
  const LONG = 60; // characters; above this a sentence is set smaller

  af.LIGHT_COLORS = { red: "#b3141b", amber: "#f2b100", green: "#16733a", grey: "#6c7379" };
  const INK = { red: "#ffffff", amber: "#231a00", green: "#ffffff", grey: "#ffffff" };
  // A light is told by its shape and its sign as well, for those who do not see colours.
  const SHAPES = {
    red: "M8.2 1.5h7.6l6.7 6.7v7.6l-6.7 6.7H8.2l-6.7-6.7V8.2z",
    amber: "M12 1.2L22.8 12 12 22.8 1.2 12z",
    green: "M12 1.5a10.5 10.5 0 1 0 .01 0z",
    grey: "M2.5 2.5h19v19h-19z",
  };
  const SIGNS = {
    red: "M12 5.6v8M12 17.6v.5",
    amber: "M12 7v5.4l3.4 2",
    green: "M7 12.4l3.6 3.6 6.6-7.6",
    grey: "M9 9.2a3 3 0 1 1 4.6 2.5c-1 .7-1.6 1.2-1.6 2.3M12 17.6v.4",
  };

  af.lightSign = function (light) {
    return svg("svg", { viewBox: "0 0 24 24", class: "af-light", "aria-hidden": "true" },
      svg("path", { d: SHAPES[light], fill: af.LIGHT_COLORS[light], class: "af-light-shape" }),
      svg("path", { d: SIGNS[light], stroke: INK[light], class: "af-light-sign" }));
  };

  /* Two figures at least, and no more decimals than anyone can measure. */
  const plain = (value) => value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
  const other = (view) => (view.lang === "zh" ? "en" : "zh");

  function spanOf(minutes, own) {
    const all = Math.ceil(minutes);
    return own.span(Math.floor(all / 60), all % 60);
  }

  /* Amounts that are known, with their units. */
  function amounts(parcel, view) {
    const own = view.word.water, { mm, m3, perMu, minutes } = parcel.amount;
    const found = Object.entries({ mm, perMu, m3 }).filter(([, value]) => value !== null)
      .map(([name, value]) => ({ name, title: own[name], value: plain(value) + " " + own.units[name] }));
    if (minutes !== null) found.push({ name: "minutes", title: own.minutes, value: spanOf(minutes, own) });
    return found;
  }

  /* The same in a line of a list, the day first. */
  af.waterParts = function (parcel, view) {
    const values = amounts(parcel, view).map((amount) => amount.value);
    return parcel.latest ? [view.word.water.by(parcel.latest), ...values] : values;
  };

  /* A short word for the map: how much, if anything. */
  af.waterLabel = function (parcel, view) {
    const { mm } = parcel.amount;
    return mm === null || mm === 0 ? "" : plain(mm) + " " + view.word.water.units.mm;
  };

  af.waterTitle = (parcel, lang) => [parcel.name[lang], parcel.crop[lang]].filter(Boolean).join(" · ");

  af.waterAdvice = function (parcel, view) {
    const { word, lang } = view, own = word.water;
    const unsaid = own.lights[parcel.light] + (parcel.light === "grey" ? word.colon + own.noReason : "");
    return parcel.advice[lang] || unsaid;
  };

  /* The first sentence says what to do; others say how sure that is. */
  function sentences(said) {
    const end = said.search(/。|[.!?](?=\s)/) + 1;
    return end ? [said.slice(0, end), said.slice(end).trim()] : [said, ""];
  }

  af.waterFirst = (parcel, view) => sentences(af.waterAdvice(parcel, view))[0];

  function advice(parcel, view) {
    const { lang } = view, [said, more] = sentences(af.waterAdvice(parcel, view));
    const node = el("p.af-advice" + (said.length > LONG * (lang === "zh" ? 1 : 2) ? ".af-long" : ""), said);
    node.dataset.light = parcel.light;
    return [node, more ? el("p.af-more", more) : ""];
  }

  /* What to do in the other language, too. */
  function translated(parcel, view) {
    const [said] = sentences(parcel.advice[other(view)]);
    if (!said || said === sentences(parcel.advice[view.lang])[0]) return "";
    const node = el("p.af-other", said);
    node.lang = other(view) === "zh" ? "zh-CN" : "en";
    return node;
  }

  function figures(parcel, view) {
    const tiles = amounts(parcel, view).map((amount) => {
      const tile = el("div.af-amount", el("span", amount.title), el("b", amount.value));
      tile.dataset.amount = amount.name;
      return tile;
    });
    return [
      tiles.length ? el("div.af-amounts", ...tiles) : "",
      parcel.latest ? el("p.af-latest", latest(parcel, view)) : "",
    ];
  }

  function latest(parcel, view) {
    const own = view.word.water, now = af.waterToday(parcel.days);
    if (parcel.latest < view.data.water.moment) return own.late(parcel.latest);
    return (now && now.depletion > now.raw ? own.suffers : "") + own.latest(parcel.latest);
  }

  function warnings(parcel, view) {
    if (!parcel.notices.length) return "";
    return el("ul.af-warnings", ...parcel.notices.map((notice) => el("li", notice[view.lang])));
  }

  function listed(lines) {
    return lines.length ? el("ul.af-reasons", ...lines.map((line) => el("li", line))) : "";
  }

  function irrigated(parcel, view) {
    const { day, mm } = parcel.irrigated, own = view.word.water;
    return own.amountOn(day, mm === null ? "" : plain(mm) + " " + own.units.mm);
  }

  function state(parcel, view) {
    const now = af.waterToday(parcel.days);
    return now ? el("p.af-state", view.word.water.state(plainSigned(now.depletion), plain(now.raw), plain(now.taw))) : "";
  }

  const plainSigned = (mm) => (mm < 0 ? "−" : "") + plain(Math.abs(mm));

  /* A probe, how far it is trusted, and why; it leads to its readings where it stands. */
  function probe(sensor, view) {
    const { word, lang, data } = view, own = word.water;
    const name = sensor.name || sensor.id;
    const known = data.sensors.find((one) => one.id === sensor.id && one.at);
    const percent = sensor.trust === null ? null : Math.round(sensor.trust * 100);
    const bar = el("span.af-trust");
    bar.style.setProperty("--share", (percent || 0) + "%");
    const said = percent === null ? own.noTrust : own.trust + " " + percent + " %";
    const node = el("li.af-probe",
      known ? button(".af-plain", name, () => view.visitSensor(known), name) : el("b", name),
      el("span.af-trusted", percent === null ? "" : bar, said),
      sensor.reason[lang] ? el("span.af-why", sensor.reason[lang]) : "");
    node.dataset.probe = sensor.id;
    return node;
  }

  function probes(parcel, view) {
    if (!parcel.sensors.length) return [];
    return [el("h4", view.word.water.sensors), el("ul.af-probes", ...parcel.sensors.map((one) => probe(one, view)))];
  }

  af.waterCard = function (parcel, view) {
    const { word, lang } = view, own = word.water;
    const tag = el("span.af-light-word", own.lights[parcel.light]);
    tag.dataset.light = parcel.light;
    const second = af.waterTitle(parcel, other(view));
    const content = el("div.af-popup.af-card",
      el("h3", af.lightSign(parcel.light), tag, el("span", af.waterTitle(parcel, lang))),
      second === af.waterTitle(parcel, lang) ? "" : el("p.af-other", second),
      ...advice(parcel, view), translated(parcel, view),
      ...figures(parcel, view),
      warnings(parcel, view),
      parcel.days ? af.waterChart(parcel.days, view) : "",
      state(parcel, view),
      af.rows([
        [own.confidence, parcel.confidence[lang]],
        [own.reasons, listed(parcel.reasons.map((reason) => reason[lang]))],
        [own.drought, parcel.drought[lang]],
        [own.irrigated, irrigated(parcel, view)],
      ]),
      ...probes(parcel, view),
      af.rows([[own.number, parcel.id]]));
    content.dataset.parcel = parcel.id;
    return content;
  };

  /* A place that is a parcel with advice has one card, not two. */
  af.placePopup = function (place, view) {
    const parcel = view.water && view.water.find(place.id);
    return parcel ? view.water.card(parcel) : placePopup(place, view);
  };
})(window.agroforest);

/* The curve of a parcel: what its root zone lacks, drawn so that wet is up, with the
   thresholds of the crop above, rain and irrigation in a strip below. */
(function (af) {
  "use strict";
  const { el, svg } = af;
  const WIDTH = 320, LEFT = 34, RIGHT = 8;
  const HEAD = 11; // baseline of the words above
  const TOP = 28, DRY = 146; // of the curve: full and its driest
  const SKY = 174, FLOOR = 210, HEIGHT = 230; // of the strip, and of all
  const LINE = 13; // chart units that a line of text needs
  const DAY = 86400000;
  const NAME = 40; // chart units: half of the longest name of a day
  const STEPS = [1, 2, 5, 10];

  /* Columns of agroforest.maps.water_data: one number stands for a whole column. */
  function column(days, name) {
    return Array.isArray(days[name]) ? days[name] : new Array(days.count).fill(days[name]);
  }

  function unpack(days) {
    const columns = ["depletion", "raw", "taw", "rain", "irrigation"].map((name) => column(days, name));
    const first = Date.parse(days.first);
    return columns[0].map((depletion, n) => {
      const at = days.at ? days.at[n] : n;
      return {
        at, depletion, raw: columns[1][n], taw: columns[2][n], rain: columns[3][n], irrigation: columns[4][n],
        forecast: n >= days.past, day: new Date(first + at * DAY).toISOString().slice(0, 10),
      };
    });
  }

  /* A round step that divides what must fit into at most `most` parts. */
  function stepOf(span, most) {
    const power = 10 ** Math.floor(Math.log10(span / most));
    return power * STEPS.find((step) => power * step * most >= span * (1 - 1e-9));
  }

  function scales(days) {
    const last = days[days.length - 1].at;
    const low = Math.min(0, ...days.map((day) => day.depletion));
    const high = Math.max(1, ...days.map((day) => Math.max(day.depletion, day.taw)));
    const wet = Math.max(10, ...days.map((day) => Math.max(day.rain, day.irrigation)));
    const slot = (WIDTH - LEFT - RIGHT) / (last + 1);
    return {
      low, high, slot, wet,
      x: (at) => round(LEFT + (at + 0.5) * slot),
      y: (mm) => round(TOP + ((mm - low) / (high - low)) * (DRY - TOP)),
      strip: (mm) => round(FLOOR - (mm / wet) * (FLOOR - SKY)),
    };
  }

  const round = (value) => Math.round(value * 10) / 10;
  const label = (mm) => String(mm).replace("-", "−");

  /* Neighbouring days that are wanted; a missing day breaks the line. */
  function runs(days, wanted) {
    const found = [];
    days.forEach((day, n) => {
      if (!wanted(n)) return;
      const before = days[n - 1];
      if (!before || !wanted(n - 1) || day.at - before.at > 1) found.push([]);
      found[found.length - 1].push(day);
    });
    return found;
  }

  function lines(days, wanted, value, scale, kind) {
    return runs(days, wanted).map((run) => {
      if (run.length === 1) {
        return svg("circle", { cx: scale.x(run[0].at), cy: scale.y(run[0][value]), r: 2, class: "af-dot " + kind });
      }
      return svg("polyline", { class: kind, points: run.map((day) => scale.x(day.at) + "," + scale.y(day[value])).join(" ") });
    });
  }

  /* A threshold reaches to the edges of its days, so that one day has one, too. */
  function threshold(days, value, scale, kind) {
    const half = scale.slot / 2;
    return runs(days, () => true).map((run) => {
      const first = run[0], last = run[run.length - 1];
      const points = run.map((day) => "L" + scale.x(day.at) + " " + scale.y(day[value])).join("");
      const d = "M" + round(scale.x(first.at) - half) + " " + scale.y(first[value]) + points + "H" + round(scale.x(last.at) + half);
      return svg("path", { class: kind, d });
    });
  }

  function drought(days, scale) {
    return runs(days, () => true).map((run) => {
      const up = run.map((day) => scale.x(day.at) + "," + scale.y(Math.min(day.raw, day.taw)));
      const down = run.slice().reverse().map((day) => scale.x(day.at) + "," + scale.y(day.taw));
      return svg("polygon", { class: "af-dry", points: [...up, ...down].join(" ") });
    });
  }

  function bars(days, scale) {
    const wide = Math.max(0.8, Math.min(9, scale.slot * 0.42));
    const bar = (day, name, left) => day[name] > 0 ? svg("rect", {
      x: round(left), y: scale.strip(day[name]), width: round(wide), height: round(FLOOR - scale.strip(day[name])),
      class: "af-" + name + (day.forecast ? " ahead" : "") }) : null;
    return days.flatMap((day) => [bar(day, "rain", scale.x(day.at) - wide), bar(day, "irrigation", scale.x(day.at))]);
  }

  function depths(scale) {
    const step = stepOf(scale.high - scale.low, 4);
    const ticks = [];
    for (let n = Math.ceil(scale.low / step); n * step <= scale.high; n += 1) ticks.push(Number((n * step).toPrecision(6)));
    return ticks.flatMap((mm) => [grid(scale.y(mm)), side(scale.y(mm), label(mm))]);
  }

  function strip(scale) {
    const most = Math.floor(scale.wet);
    return [grid(FLOOR), grid(scale.strip(most)), side(FLOOR, "0"), side(scale.strip(most), label(most))];
  }

  const grid = (y) => svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "grid" });
  const side = (y, words) => svg("text", { x: LEFT - 4, y: y + 4, "text-anchor": "end" }, words);

  /* First and last day below, the day of the advice on its line above, weeks as ticks. */
  function dates(days, now, scale, own) {
    const first = days[0], last = days[days.length - 1];
    const below = (day, x, anchor) => svg("text", { x, y: HEIGHT - 5, "text-anchor": anchor }, day.day.slice(5));
    const weeks = [];
    const from = (now || first).at;
    for (let at = from % 7; at <= last.at; at += 7) weeks.push("M" + scale.x(at) + " " + FLOOR + "v4");
    const above = now && Math.min(Math.max(scale.x(now.at), LEFT + 2.5 * NAME), WIDTH - NAME);
    return [
      svg("path", { class: "af-week", d: weeks.join("") }),
      ...(first === last ? [below(first, scale.x(first.at), "middle")] : [below(first, LEFT, "start"), below(last, WIDTH - RIGHT, "end")]),
      now ? svg("text", { x: above, y: HEAD, "text-anchor": "middle", class: "now" }, own.today + " " + now.day.slice(5)) : null,
    ];
  }

  /* The names of the thresholds stand on them where there is room, those of the axes
     beside. */
  function names(days, scale, own) {
    const at = (value) => scale.y(days[0][value]);
    const on = (value, roof) => at(value) - roof < LINE + 4 ? null
      : svg("text", { x: LEFT + 4, y: at(value) - 4, class: "af-on af-on-" + value }, own.lines[value]);
    return [
      on("raw", HEAD), on("taw", Math.max(at("raw"), HEAD)),
      svg("text", { x: LEFT + 4, y: SKY - 5, class: "af-on" }, own.perDay),
      svg("text", { x: 2, y: HEAD }, own.lacking),
    ];
  }

  function key(kind, words) {
    const picture = svg("svg", { viewBox: "0 0 22 10", class: "af-sample", "aria-hidden": "true" });
    const bar = kind === "rain" || kind === "irrigation";
    picture.appendChild(bar ? svg("rect", { x: 7, y: 0.5, width: 8, height: 9, class: "af-" + kind })
      : svg("line", { x1: 1, x2: 21, y1: 5, y2: 5, class: "af-" + kind }));
    return el("span.af-depth", picture, words);
  }

  /* What is lacking on the day of the advice: the last that is no forecast. */
  af.waterToday = function (packed) {
    return packed && packed.past ? unpack(packed)[packed.past - 1] : null;
  };

  af.waterChart = function (packed, view) {
    const own = view.word.water, days = unpack(packed), scale = scales(days);
    const now = days[packed.past - 1];
    const root = svg("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, class: "af-chart af-water-chart", role: "img" });
    root.setAttribute("aria-label", own.chart + (now ? view.word.colon + own.state(now.depletion, now.raw, now.taw) : ""));
    const measured = (n) => !days[n].forecast;
    const ahead = (n) => days[n].forecast || (n + 1 < days.length && days[n + 1].forecast);
    const marks = [
      ...drought(days, scale), ...depths(scale), ...strip(scale), ...bars(days, scale),
      ...threshold(days, "taw", scale, "af-taw"), ...threshold(days, "raw", scale, "af-raw"),
      ...(now ? [svg("line", { x1: scale.x(now.at), x2: scale.x(now.at), y1: HEAD + 4, y2: FLOOR, class: "af-now" })] : []),
      ...(packed.past < days.length ? lines(days, ahead, "depletion", scale, "af-forecast") : []),
      ...lines(days, measured, "depletion", scale, "af-depletion"),
      ...dates(days, now, scale, own), ...names(days, scale, own),
    ];
    marks.filter(Boolean).forEach((mark) => root.appendChild(mark));
    const kinds = ["depletion", ...(packed.past < days.length ? ["forecast"] : []), "raw", "taw",
      ...["rain", "irrigation"].filter((kind) => days.some((day) => day[kind] > 0))];
    return el("figure.af-figure",
      el("div.af-chart-head", el("b", own.chart), el("span", own.wetUp)),
      root, el("figcaption", ...kinds.map((kind) => key(kind, own.keys[kind]))));
  };
})(window.agroforest);

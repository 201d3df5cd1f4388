/* Every sentence about the water of parcels in both languages. */
(function (af) {
  "use strict";
  const WEEKDAYS = {
    zh: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
    en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
  };
  const weekday = (lang, day) => WEEKDAYS[lang][new Date(day + "T00:00:00Z").getUTCDay()];
  const zh = {
    tab: "墒情/灌溉",
    layer: "地块墒情与灌溉",
    lights: { red: "急需灌水", amber: "近日需灌", green: "水分充足", grey: "暂无建议" },
    onMap: "各地块灌溉建议",
    otherNight: "墒情与灌溉建议只在本页当夜显示；所选为更早的夜次。",
    asOf: (day) => day + " 的建议",
    noParcels: "没有地块。",
    noReason: "没有说明原因。",
    mm: "灌水", m3: "总水量", perMu: "每亩", minutes: "开阀",
    units: { mm: "mm", m3: "m³", perMu: "m³/亩" },
    span: (hours, minutes) => [hours && hours + " 小时", (minutes || !hours) && minutes + " 分"].filter(Boolean).join(" "),
    latest: (day) => "最迟 " + day + "（" + weekday("zh", day) + "）灌水",
    suffers: "作物已受旱，请尽快；",
    late: (day) => "最迟日 " + day + " 已过，请尽快灌水",
    by: (day) => "最迟 " + day.slice(5),
    confidence: "把握", reasons: "依据", drought: "旱情",
    irrigated: "上次灌溉",
    amountOn: (day, amount) => [day, amount].filter(Boolean).join("，"),
    sensors: "土壤探头",
    trust: "可信度", noTrust: "可信度未评定",
    state: (missing, raw, taw) => "缺水 " + missing + " mm；缺到 " + raw + " mm 作物开始受旱，" + taw + " mm 萎蔫",
    number: "地块编号",
    chart: "根区缺水曲线",
    wetUp: "↑ 湿　↓ 干",
    perDay: "降水、灌溉 mm/日",
    lacking: "缺水 mm",
    today: "今日",
    lines: { raw: "开始受旱", taw: "萎蔫" },
    keys: { depletion: "缺水量", forecast: "预报", raw: "开始受旱（RAW）", taw: "萎蔫（TAW）", rain: "降水", irrigation: "灌溉" },
    reading: "墒情与灌溉如何看",
    explain: [
      "红色叹号为急需灌水，黄色钟为近日需灌，绿色对勾为水分充足；灰色问号为暂无建议，点开看原因。",
      "曲线为根区离田间持水量还缺多少毫米，向上为湿、向下为干：低于橙色虚线作物开始受旱，红线为萎蔫。虚线段和空心柱为预报。",
      "建议由气象、灌溉记录和可信的探头读数推算；浇水前请到地里看一眼。",
    ],
  };
  const en = {
    tab: "Water",
    layer: "Water of the parcels",
    lights: { red: "water now", amber: "water soon", green: "enough water", grey: "no advice" },
    onMap: "Advice for the parcels",
    otherNight: "Water and advice are those of the page's night only; an earlier night is chosen.",
    asOf: (day) => "Advice of " + day,
    noParcels: "No parcels.",
    noReason: "No reason is given.",
    mm: "Irrigate", m3: "In all", perMu: "Per mu", minutes: "Valve open",
    units: { mm: "mm", m3: "m³", perMu: "m³/mu" },
    span: (hours, minutes) => [hours && hours + " h", (minutes || !hours) && minutes + " min"].filter(Boolean).join(" "),
    latest: (day) => "Irrigate by " + day + " (" + weekday("en", day) + ")",
    suffers: "The crop suffers already. ",
    late: (day) => "Was due by " + day + ": irrigate as soon as possible",
    by: (day) => "by " + day.slice(5),
    confidence: "Confidence", reasons: "Because", drought: "Drought",
    irrigated: "Last irrigation",
    amountOn: (day, amount) => [day, amount].filter(Boolean).join(", "),
    sensors: "Soil probes",
    trust: "trust", noTrust: "trust not judged",
    state: (missing, raw, taw) => missing + " mm short of full; the crop suffers beyond " + raw + " mm, wilts at " + taw + " mm",
    number: "Parcel number",
    chart: "Water missing in the root zone",
    wetUp: "↑ wet  ↓ dry",
    perDay: "rain, irrigation, mm a day",
    lacking: "missing, mm",
    today: "today",
    lines: { raw: "crop suffers below", taw: "wilting" },
    keys: { depletion: "missing", forecast: "forecast", raw: "suffers below (RAW)", taw: "wilting (TAW)", rain: "rain", irrigation: "irrigation" },
    reading: "How to read the water of parcels",
    explain: [
      "A red exclamation mark says water now, a yellow clock water soon, a green tick enough water; a grey question mark is no advice, and its card says why.",
      "The curve is how many millimetres the root zone lacks to field capacity; up is wet, down is dry. Below the dashed orange line the crop suffers, at the red line it wilts. Dashes and hollow bars are forecast.",
      "Advice is worked out from weather, irrigation records and trusted probes; look at the field before watering.",
    ],
  };
  Object.assign(af.WORDS.zh, { water: zh });
  Object.assign(af.WORDS.en, { water: en });
  af.WORDS.zh.vector.water = zh.layer;
  af.WORDS.en.vector.water = en.layer;
})(window.agroforest);

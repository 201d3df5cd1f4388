/* Every sentence of the page of fire events in both languages. */
(function (af) {
  "use strict";
  const zh = {
    title: "火点",
    asOf: (time) => "截至 " + time,
    warning: "卫星看到的热异常，不等于火灾：请实地核查",
    tabs: { filter: "筛选", events: "清单", about: "说明" },
    kind: "类型",
    kinds: { fire: "疑似火情", crop: "疑似焚烧秸秆、蔗叶", static: "固定热源" },
    confidence: "置信度（最可信的一次探测）",
    confidences: { high: "高", nominal: "一般", low: "低" },
    age: "距最近一次探测",
    within: "最近探测",
    withinAll: "全部时间",
    withinHours: (hours) => (hours < 48 ? hours + " 小时内" : hours / 24 + " 天内"),
    ages: (low, high) => {
      const span = (hours) => (hours < 48 ? hours + " 小时" : hours / 24 + " 天");
      return high === null ? "超过 " + span(low) : low === null ? span(high) + "内" : span(low) + "至" + span(high);
    },
    shown: (n, all) => "显示 " + n + " / " + all + " 个事件",
    hours: (n) => (n < 48 ? n.toFixed(1) + " 小时" : (n / 24).toFixed(1) + " 天"),
    heads: {
      fire: "疑似火情，请实地核查",
      crop: "疑似焚烧秸秆、蔗叶，请实地核查",
      static: "固定热源（常年发热），请核对",
    },
    hour: "核查时限：自收到本火点起一小时内到现场核查，并拍照回传。",
    hourStatic: "位于常年发热处（工厂、窑炉等）；如与平日不同，同样一小时内核查。",
    cause: "热异常的成因须实地查明；像元宽 375 米至 1 公里以上，火点位置即有此误差。",
    county: "县（市、区）", township: "乡镇", outside: "所给边界之外",
    first: "首次探测", last: "最近探测", sinceLast: "距最近探测",
    detections: "探测次数",
    bySensor: (v, m, o) => [v && "VIIRS " + v, m && "MODIS " + m, o && "其他 " + o].filter(Boolean).join("，"),
    frp: "最大辐射功率", confidenceShort: "置信度", crop: "农田占比", place: "经纬度", number: "编号",
    none: "没有符合筛选条件的事件。",
    first200: (n, all) => "按核查次序列出前 " + n + " 个，共 " + all + " 个。",
    left: (n, all) => "共 " + all + " 个事件，图上为最应核查的前 " + n + " 个；全部见 events.csv。",
    reading: "如何看这张图",
    explain: "形状表示类型，颜色表示距最近一次探测的时间，大小随探测次数略增。时间以本页所注时刻为准，页面不会自行更新。卫星每天过境数次，过境后约三小时才有数据；云下的火看不到。",
    noFieldCheck: "这些事件中有多少是真正的火灾，尚无实地核查数据。",
    boundary: "边界",
    page: "本页时刻", files: "数据文件", version: "agroforest 版本",
  };
  const en = {
    title: "Hotspots",
    asOf: (time) => "as of " + time,
    warning: "Heat seen from space is not yet a fire: check in the field",
    tabs: { filter: "Filter", events: "List", about: "About" },
    kind: "Kind",
    kinds: { fire: "Suspected fire", crop: "Suspected crop burning", static: "Static heat source" },
    confidence: "Confidence (of the surest detection)",
    confidences: { high: "high", nominal: "nominal", low: "low" },
    age: "Since last seen",
    within: "Last seen",
    withinAll: "at any time",
    withinHours: (hours) => (hours < 48 ? "within " + hours + " h" : "within " + hours / 24 + " days"),
    ages: (low, high) => {
      const span = (hours) => (hours < 48 ? hours + " h" : hours / 24 + " days");
      return high === null ? "over " + span(low) : low === null ? "up to " + span(high) : span(low) + " to " + span(high);
    },
    shown: (n, all) => n + " of " + all + " events shown",
    hours: (n) => (n < 48 ? n.toFixed(1) + " h" : (n / 24).toFixed(1) + " days"),
    heads: {
      fire: "Suspected fire, check in the field",
      crop: "Suspected crop burning, check in the field",
      static: "Static heat source (always hot), compare",
    },
    hour: "Verify within one hour of receiving this: go there and send back a photo.",
    hourStatic: "A place that is always hot (works, kiln); if it differs from usual, verify within one hour, too.",
    cause: "What is hot must be found in the field. A pixel is 375 m to over 1 km wide, and the place is as uncertain.",
    county: "County", township: "Township", outside: "outside the boundaries given",
    first: "First seen", last: "Last seen", sinceLast: "Since last seen",
    detections: "Detections",
    bySensor: (v, m, o) => [v && "VIIRS " + v, m && "MODIS " + m, o && "others " + o].filter(Boolean).join(", "),
    frp: "Radiative power (greatest)", confidenceShort: "Confidence", crop: "Share of fields", place: "Latitude, longitude", number: "Number",
    none: "No event passes the filter.",
    first200: (n, all) => "The first " + n + " of " + all + ", in the order in which to look.",
    left: (n, all) => "Of " + all + " events the " + n + " to look at first are on the map; events.csv has all.",
    reading: "How to read this map",
    explain: "Shape is the kind, colour the time since last seen, size grows a little with the number of detections. Ages are counted to the time of this page, which does not renew itself. Satellites pass a few times a day, data come about three hours later, and a fire under cloud is not seen.",
    noFieldCheck: "How many of these events are real fires is not known: no field check was made.",
    boundary: "Boundary",
    page: "Time of this page", files: "Files", version: "agroforest version",
  };
  Object.assign(af.WORDS.zh, { hotspots: zh });
  Object.assign(af.WORDS.en, { hotspots: en });
})(window.agroforest);

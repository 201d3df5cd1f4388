/* Fire on the map of a night: days of danger, marks of hotspots, alerts with their
   clocks, scars with pictures from before and after. Wraps the view; see fire_panel.js
   for what stands beside the map. */
(function (af) {
  "use strict";
  const { el, button } = af;
  const RINGS = { pending: "#111111", overdue: "#d0021b", verified: "#1b7a3d" };
  const SCAR = "#5b2a86";
  af.RINGS = RINGS;
  af.SCAR_COLOR = SCAR;

  /* Clicks inside are not the map's. Leaflet asks the parents of what was clicked, which
     a button that was replaced no longer has. */
  function keepClicks(node) {
    L.DomEvent.disableClickPropagation(node);
    node.addEventListener("click", (event) => event.stopPropagation());
  }

  class Fire {
    constructor(view) {
      const data = view.data.fire;
      Object.assign(this, { view, data, map: view.map, list: new af.Events(data) });
      this.kinds = new Set(data.kinds.filter((kind) => kind !== "static"));
      this.confidences = new Set(data.confidences.filter((grade) => grade !== "low"));
      this.days = data.danger ? data.danger.days : [];
      this.day = this.days[0];
      this.cells = data.danger ? new af.Cells(data.danger) : null;
      this.alertById = new Map(view.data.alerts.map((alert) => [alert.id, alert]));
      this.factsByAlert = new Map(data.alerts.map((facts) => [facts.alert, facts]));
      this.factsOf = new Map(data.alerts.map((facts) => [facts.event, facts]));
      this.heldOf = new Map(data.held.map((held) => [held.event, held]));
      view.fire = this;
      this.addLayers();
      this.addBars();
      this.wrap();
      this.listen();
      view.draw();
      af.clock.run(() => { af.clock.refresh(view); this.ring(); });
    }

    /* An earlier night did not know of this. */
    get tonight() { return this.view.night === this.view.data.night; }
    get danger() { return this.view.data.layers.filter((layer) => layer.kind === "danger"); }
    get shownDanger() { return this.tonight ? this.danger.find((layer) => layer.shown) : undefined; }
    limits() { return this.danger[0].legend.limits; }
    rankColor(rank) { return this.danger[0].legend.ranks[rank - 1] || "#8a8f94"; }

    addLayers() {
      const { view, map } = this;
      const alerts = Number(map.getPane("alerts").style.zIndex);
      const panes = { counties: alerts - 3, "scar-pictures": alerts - 2, scars: alerts - 1, hotspots: alerts };
      Object.entries(panes).forEach(([id, z]) => {
        const pane = map.createPane(id);
        pane.style.zIndex = z;
        pane.style.pointerEvents = "none"; // shapes inside switch it on for themselves
      });
      const lines = L.canvas({ pane: "counties" });
      this.data.boundaries.forEach((line) => L.polyline(line, {
        pane: "counties", renderer: lines, color: "#4a554f", weight: 1, interactive: false }).addTo(map));
      const own = this.data.scars.length ? ["hotspots", "scars"] : ["hotspots"];
      view.vectors.unshift(...own.map((id) => ({ id, kind: id, shown: true, opacity: 1 })));
    }

    /* The days of danger and the pictures of a scar are switched on the map itself: on a
       phone the panel is folded away. */
    addBars() {
      this.dayBar = el("div.af-days");
      this.compareBar = el("div.af-compare");
      [this.dayBar, this.compareBar].forEach((bar) => {
        keepClicks(bar);
        L.DomEvent.disableScrollPropagation(bar);
        this.map.getContainer().appendChild(bar);
      });
    }

    /* What the view does for every page, with fire beside it. */
    wrap() {
      const { view } = this;
      const { drawAlerts, drawRasters, frameOf, visibleAlerts, show, draw } = view.constructor.prototype;
      view.frameOf = (frames) => {
        if (!frames.length || !frames[0].day) return frameOf.call(view, frames);
        return this.tonight ? frames.find((frame) => frame.day === this.day.day) : undefined;
      };
      view.drawRasters = () => { drawRasters.call(view); this.drawDays(); };
      view.drawAlerts = () => {
        view.visibleAlerts = () => visibleAlerts.call(view).filter((alert) => !this.factsByAlert.has(alert.id));
        drawAlerts.call(view);
        delete view.visibleAlerts;
        this.drawOutlines();
        this.drawMarks();
        this.drawScars();
      };
      view.show = (layer, shown) => {
        // One layer of danger at a time, or they hide each other.
        if (layer.kind === "danger" && shown) this.danger.forEach((other) => { other.shown = false; });
        show.call(view, layer, shown);
      };
      view.draw = () => { draw.call(view); this.drawCompare(); };
    }

    listen() {
      // Places open their own popup; it tells of the danger where they were clicked.
      this.map.on("preclick", (event) => { this.clicked = event.latlng; });
      this.map.on("click", (event) => {
        if (this.view.measure.active) return;
        this.clicked = event.latlng;
        this.openCell();
      });
    }

    openCell() {
      const content = this.cellPopup();
      if (content) this.view.openAt(this.clicked, () => content);
      return Boolean(content);
    }

    cellPopup() {
      if (!this.shownDanger || !this.clicked) return null;
      const cell = this.cells.find(this.day, this.clicked);
      return cell && af.cellPopup(this.day, cell, this.view);
    }

    /* ---- days ---- */
    goTo(day, reopen) {
      this.day = day;
      this.map.closePopup();
      this.view.drawRasters();
      this.view.panel.draw();
      if (reopen) this.openCell();
    }

    dayButtons(reopen) {
      const own = this.view.word.fire;
      const row = el("div.af-day-row", ...this.days.map((day) => {
        const ahead = af.daysBetween(this.days[0].day, day.day);
        const kind = own.dayKind(day.forecast, ahead);
        const node = button(".af-day", day.day + " " + kind, () => this.goTo(day, reopen), el("b", day.day.slice(5)), el("span", kind));
        node.dataset.day = day.day;
        node.setAttribute("aria-pressed", String(day === this.day));
        return node;
      }));
      keepClicks(row);
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", own.days);
      return row;
    }

    drawDays() {
      const layer = this.shownDanger;
      this.dayBar.hidden = !layer;
      if (layer) this.dayBar.replaceChildren(el("span.af-day-of", layer.title[this.view.lang]), this.dayButtons());
    }

    /* ---- hotspots and alerts ---- */
    passes(n) {
      return this.kinds.has(this.list.kindOf(n)) && this.confidences.has(this.list.confidenceOf(n));
    }

    /* An alert is never filtered away. */
    visible() {
      const all = Array.from({ length: this.tonight ? this.list.count : 0 }, (_, n) => n);
      return all.filter((n) => this.factsOf.has(n) || this.passes(n));
    }

    drawOutlines() {
      const { view } = this;
      view.visibleAlerts().filter((alert) => this.factsByAlert.has(alert.id)).forEach((alert) => {
        const dashArray = view.stateOf(alert).status === "open" ? null : "4 4";
        const color = RINGS[af.clock.state(this.factsByAlert.get(alert.id))];
        const shape = L.polygon(alert.rings, { pane: "alerts", color, weight: 2, fillColor: color, fillOpacity: 0.06, dashArray, smoothFactor: 0, className: "af-fire-outline", alert: alert.id });
        view.hint(shape, () => this.title(this.factsByAlert.get(alert.id).event));
        view.popup(shape, () => af.alertPopup(alert, view), { at: alert.at });
        shape.addTo(view.groups.alerts);
      });
    }

    title(n) {
      const { lang, word } = this.view;
      const where = [this.list.nameOf(n, "county", lang), this.list.nameOf(n, "township", lang)].filter(Boolean).join(" · ");
      return word.hotspots.kinds[this.list.kindOf(n)] + " " + (where || this.list.placeOf(n));
    }

    drawMarks() {
      const { view } = this;
      if (this.marks) this.marks.remove();
      this.marks = L.layerGroup().addTo(this.map);
      this.renderer = this.renderer || L.svg({ pane: "hotspots" });
      // Seen last and alerts lie on top.
      const alertsLast = (a, b) => this.factsOf.has(a) - this.factsOf.has(b) || b - a;
      this.visible().sort(alertsLast).forEach((n) => {
        const mark = this.list.mark(n, "hotspots", this.renderer);
        mark.options.className = "af-hotspot";
        view.hint(mark, () => this.title(n));
        view.popup(mark, () => this.eventPopup(n), { at: this.list.at(n) });
        mark.addTo(this.marks);
      });
      this.ring();
    }

    ring() {
      this.marks.eachLayer((mark) => {
        const facts = this.factsOf.get(mark.options.n);
        if (facts) mark.setStyle({ color: RINGS[af.clock.state(facts)], weight: 3 });
      });
      this.view.groups.alerts.eachLayer((shape) => {
        const facts = this.factsByAlert.get(shape.options.alert);
        if (facts) shape.setStyle({ color: RINGS[af.clock.state(facts)] });
      });
    }

    eventPopup(n) {
      const facts = this.factsOf.get(n);
      return facts ? af.fireAlertPopup(facts, this.view) : af.eventPopup(n, this.view);
    }

    visit(n) {
      this.view.panel.fold();
      this.map.setView(this.list.at(n), Math.max(this.map.getZoom(), 12), { animate: false });
      this.view.openAt(this.list.at(n), () => this.eventPopup(n));
    }

    /* ---- scars ---- */
    drawScars() {
      const { view } = this;
      if (this.scars) this.scars.remove();
      this.scars = L.layerGroup().addTo(this.map);
      if (!this.tonight) return;
      this.data.scars.forEach((scar) => {
        const shape = L.polygon(scar.rings, { pane: "scars", color: SCAR, weight: 2, fillColor: SCAR, fillOpacity: 0.15, smoothFactor: 0, className: "af-scar" });
        view.hint(shape, () => scar.verdict[view.lang]);
        view.popup(shape, () => af.scarPopup(scar, view), { at: scar.at });
        shape.addTo(this.scars);
      });
    }

    scarButton(scar, label) {
      return button(".af-plain.af-look", label, () => this.visitScar(scar), label);
    }

    visitScar(scar) {
      this.view.panel.fold();
      this.map.fitBounds(L.polygon(scar.rings).getBounds(), { maxZoom: 15, padding: [60, 60], animate: false });
      this.view.openAt(scar.at, () => af.scarPopup(scar, this.view));
    }

    /* The image before and the one after, one at a time. */
    compare(scar) {
      this.map.closePopup();
      this.view.panel.fold();
      this.map.fitBounds(scar.pictures.after.corners, { maxZoom: 15, padding: [20, 40], animate: false });
      this.compared = { scar, when: "after" };
      this.drawCompare();
    }

    drawCompare() {
      const { view, compared } = this;
      if (this.picture) this.picture.remove();
      this.picture = null;
      const on = Boolean(compared) && this.tonight;
      this.compareBar.hidden = !on;
      if (!on) return;
      const own = view.word.fire, { scar, when } = compared, seen = scar.pictures[when];
      this.picture = L.imageOverlay(view.data.pictures[seen.picture], seen.corners, { pane: "scar-pictures", className: "af-raster" }).addTo(this.map);
      const choices = ["before", "after"].filter((key) => scar.pictures[key]).map((key) => {
        const node = button(".af-day", own[key] + " " + scar[key], () => { this.compared = { scar, when: key }; this.drawCompare(); }, el("b", own[key]), el("span", scar[key]));
        node.dataset.when = key;
        node.setAttribute("aria-pressed", String(key === when));
        return node;
      });
      const close = button(".af-step", own.close, () => { this.compared = null; this.drawCompare(); }, af.icon("close"));
      this.compareBar.replaceChildren(el("div.af-day-row", ...choices, close),
        el("div.af-nbr", el("span", own.nbr), af.scale(this.data.nbr, view.data.pictures, view.word)));
    }
  }

  const { start } = af;
  af.start = function (map) {
    start(map);
    if (af.view.data.fire.told) new Fire(af.view);
  };
})(window.agroforest);

/* The verification clock. The page says until when; how long that is from now only the
   viewer's own clock knows, so it is counted here and never written into the page. */
(function (af) {
  "use strict";
  const { el } = af;
  const MINUTE = 60000;

  af.clock = {
    /* pending, overdue or verified. */
    state(facts) {
      if (facts.verification) return "verified";
      return Date.now() > Date.parse(facts.until) ? "overdue" : "pending";
    },

    /* A line that keeps itself up to date while it is on the page. */
    line(facts, view) {
      const node = el("span.af-clock");
      node.dataset.until = facts.until;
      say(node, facts, view);
      return node;
    },

    /* Call `then` now and again at each full minute. */
    run(then) {
      const again = () => setTimeout(() => { then(); again(); }, MINUTE - (Date.now() % MINUTE));
      again();
    },

    refresh(view) {
      const byEnd = view.fire.factsByAlert;
      document.querySelectorAll(".af-clock[data-alert]").forEach((node) => say(node, byEnd.get(node.dataset.alert), view));
    },

    /* 06:55, or 03-02 06:55 where it is not the viewer's day. */
    time(moment, view) {
      const there = local(Date.parse(moment), view);
      return local(Date.now(), view).slice(0, 10) === there.slice(0, 10) ? there.slice(11, 16) : there.slice(5, 16).replace("T", " ");
    },

    date(moment, view) { return local(Date.parse(moment), view).slice(0, 16).replace("T", " "); },

    zone(view) {
      const minutes = Math.round(view.data.fire.offset * 60), size = Math.abs(minutes);
      const two = (n) => String(n).padStart(2, "0");
      return "UTC" + (minutes < 0 ? "−" : "+") + two(Math.floor(size / 60)) + ":" + two(size % 60);
    },
  };

  function local(milliseconds, view) {
    return new Date(milliseconds + view.data.fire.offset * 3600000).toISOString();
  }

  function say(node, facts, view) {
    const own = view.word.fire;
    const state = af.clock.state(facts);
    node.dataset.alert = facts.alert;
    node.dataset.state = state;
    node.textContent = state === "verified" ? verdict(facts, view) : own.due(af.clock.time(facts.until, view)) + " · " + left(facts, own);
  }

  function left(facts, own) {
    const away = Date.parse(facts.until) - Date.now();
    // Whole minutes: those begun count while there is time, those past when there is none.
    const minutes = away >= 0 ? Math.ceil(away / MINUTE) : Math.floor(-away / MINUTE);
    const span = own.span(Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60);
    return away >= 0 ? own.left(span) : own.overdue(span);
  }

  function verdict(facts, view) {
    const { time, outcome, by } = facts.verification, own = view.word.fire;
    const late = Date.parse(time) > Date.parse(facts.until) ? own.late : "";
    return own.verified + view.word.colon + own.outcomes[outcome] + " · " + own.byWhom(by, af.clock.time(time, view)) + late;
  }
})(window.agroforest);

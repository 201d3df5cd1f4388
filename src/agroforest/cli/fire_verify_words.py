"""What ``agroforest fire verify`` says, Chinese beside English."""

from datetime import datetime, timezone
from typing import Any

#: By the word of `agroforest.core.fire.Outcome`.
OUTCOMES_ZH = {
    "forest-fire": "森林火灾",
    "crop-burning": "农田焚烧",
    "planned-burning": "计划烧除",
    "static-source": "固定热源",
    "nothing": "未见火情",
}
_LONG = 180  # minutes; longer times are told in hours


def tell_list(listed: dict[str, Any], zone: timezone) -> str:
    """Open alerts, a line each: those nobody has looked at first.

    Parameters
    ----------
    listed
        What ``--json`` prints.
    zone
        Of the times shown.
    """
    waiting = [a for a in listed["alerts"] if a["verification"] is None]
    seen = [a for a in listed["alerts"] if a["verification"] is not None]
    lines = [f"待核查 {len(waiting)} 处 · {len(waiting)} to verify"]
    lines += [
        f"{a['alert']}  {_tell_clock(a)}  {_tell_event(a, zone)}" for a in waiting
    ]
    if seen:
        lines.append(f"已核查 {len(seen)} 处 · {len(seen)} verified, still open")
        lines += [
            f"{a['alert']}  {_tell_word(a['verification'], zone)}  "
            f"{_tell_place(a['event'])}"
            for a in seen
        ]
    ended = listed["ended_unverified"]
    if ended:
        lines.append(
            f"另有 {ended} 处已不再见火点，但无人核查 · "
            f"{ended} more are no longer seen, and nobody has looked"
        )
    return "\n".join(lines)


def tell_record(done: dict[str, Any], zone: timezone) -> str:
    """Say what was recorded, and whether it counts; parameters as `tell_list`."""
    alert, said = done["alert"], done["said"]
    start = "已记录 · recorded" if done["recorded"] else "已有记录 · known already"
    lines = [f"{start}: {alert['alert']}  {_tell_word(said, zone)}"]
    if alert["verification"] == said:
        lines.append(_tell_clock(alert))
    else:
        counts = alert["verification"]
        lines.append(
            "以较新的记录为准 · a newer word counts: " + _tell_word(counts, zone)
            if counts
            else "警报已重新计时，此记录不算 · the clock has started anew since"
        )
    return "\n".join(lines)


def _tell_clock(alert: dict[str, Any]) -> str:
    minutes = alert["minutes_left"]
    zh, en = _tell_minutes(abs(minutes))
    if alert["verification"] is not None:
        return (
            f"逾期 {zh} 核查 · verified {en} late"
            if alert["overdue"]
            else f"按时核查，余 {zh} · verified in time, {en} left"
        )
    if alert["overdue"]:
        return f"逾期 {zh} · {en} overdue"
    return f"剩 {zh} · {en} left"


def _tell_minutes(minutes: float) -> tuple[str, str]:
    if minutes < _LONG:
        return f"{minutes:.0f} 分钟", f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} 小时", f"{minutes / 60:.0f} h"


def _tell_event(alert: dict[str, Any], zone: timezone) -> str:
    event = alert["event"]
    last = _tell_time(event["last"], zone)
    return (
        f"{_tell_place(event)}  末次 last seen {last}  "
        f"{event['confidence']}, 火点 detections {event['detections']}, "
        f"观测 looks {event['looks']}"
    )


def _tell_place(event: dict[str, Any]) -> str:
    """Name a place as the files do, without what would move a terminal's cursor."""
    names = [n for pair in (event["county"], event["township"]) for n in pair if n]
    north, east = event["latitude"], event["longitude"]
    return _show(" ".join([f"{north:.4f}N {east:.4f}E", *names]))


def _tell_word(word: dict[str, Any], zone: timezone) -> str:
    outcome = word["outcome"]
    return _show(
        f"{OUTCOMES_ZH[outcome]} {outcome}, {_tell_time(word['time'], zone)}, "
        f"{word['by']}"
    )


def _tell_time(text: str, zone: timezone) -> str:
    return datetime.fromisoformat(text).astimezone(zone).strftime("%m-%d %H:%M")


def _show(text: str) -> str:
    return "".join(c if c.isprintable() else "·" for c in text)

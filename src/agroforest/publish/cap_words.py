"""Words of CAP messages and of the feed, Chinese and English.

Nobody's name, note or parcel is in them: they are for everybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from agroforest.core.fire import FireFacts, Outcome
from agroforest.core.review import Case, Reason
from agroforest.core.risk import Hazard
from agroforest.core.units import MU_PER_HA
from agroforest.core.words import hazard_words, review_words
from agroforest.publish.cap_history import ENDS, Telling, Why
from agroforest.publish.text import clean

#: Legal time of China, which CAP's times are told in.
CHINA = timezone(timedelta(hours=8))
#: Both languages, as CAP names them.
LANGUAGES = ("zh-CN", "en-US")

_NEWS: Mapping[Why, tuple[str, str]] = {
    Why.RAISED: ("卫星新发现，未经核实", "seen from space, not verified"),
    Why.CONFIRMED: ("经研判属实", "confirmed by review"),
    Why.CHECKED: ("经现场核实", "confirmed in the field"),
    Why.GROWN: ("范围扩大", "grown"),
    Why.NOT_SEEN: ("卫星已不再看到", "no longer seen from space"),
    Why.CLOSED: ("已结案", "closed"),
    Why.DISMISSED: ("撤销：经研判不属实", "cancelled: dismissed by review"),
    Why.EXPLAINED: (
        "撤销：现场核实不是森林火灾",
        "cancelled: no forest fire, says who was there",
    ),
    Why.MERGED: ("撤销：并入另一条", "cancelled: goes on within another"),
    Why.SPLIT: ("撤销：拆为多条", "cancelled: goes on as several"),
}
_FOUND: Mapping[Outcome, tuple[str, str]] = {
    Outcome.FOREST_FIRE: ("森林火灾", "a forest fire"),
    Outcome.CROP_BURNING: ("农田焚烧", "burning of fields"),
    Outcome.PLANNED_BURNING: ("计划烧除", "planned burning"),
    Outcome.STATIC_SOURCE: ("固定热源", "a static source of heat"),
    Outcome.NOTHING: ("未见火", "no trace of fire"),
}
_SIGN = (
    "卫星只见征象，不能判定原因。",
    "A satellite sees a sign, never its cause.",
)
_HEAT = (
    "卫星所见为热异常，不等于已确认的火灾。",
    "The satellite saw heat, which is no confirmed fire.",
)
_SIMULATED = (
    "模拟数据，仅供演练，并非真实发生。",
    "Simulated data for an exercise; nothing of this has happened.",
)
_DO_CANOPY = (
    "请到现场核查；勿凭卫星影像认定病虫害种类或责任人。",
    "Check in the field; take no pest and no culprit from an image.",
)
_DO_ENDED = (
    "请勿再按此前的信息行动。",
    "Do not act on the earlier messages any more.",
)
_DO_NOT_SEEN = (
    "卫星看不到不等于已经结束；现场仍应留意。",
    "Not seen from space does not mean over: keep an eye on the place.",
)
_EMERGENCY = (
    "如见明火，请先撤到安全处，并拨打 12119 或 119。",
    "If you see flames, get to safety first and call 12119 or 119.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Texts of a message in one language."""

    event: str
    headline: str
    description: str
    instruction: str


def word(
    case: Case, telling: Telling, fire: FireFacts | None, *, simulated: bool
) -> tuple[Words, Words]:
    """Put a message into words, Chinese and English."""
    names = hazard_words(case.hazard).name
    places = name_place(case, fire)
    mark = ("【模拟演练】", "[EXERCISE] ") if simulated else ("", "")
    news = _NEWS[telling.why]
    area = spell_area(telling.area_ha)
    descriptions = _describe(case, telling, fire, simulated=simulated)
    instructions = _instruct(case.hazard, telling, fire)
    zh, en = (
        Words(
            event=names[at],
            headline=clean(
                f"{mark[at]}{names[at]}（{news[at]}）：{places[at]}，{area[at]}"
                if at == 0
                else f"{mark[at]}{names[at]} ({news[at]}): {places[at]}, {area[at]}"
            ),
            description=clean(descriptions[at]),
            instruction=clean(instructions[at]),
        )
        for at in (0, 1)
    )
    return zh, en


def name_place(case: Case, fire: FireFacts | None) -> tuple[str, str]:
    """Name the county, and the township of a fire, as far as they are known."""
    _, county_zh, county_en = case.county
    township_zh, township_en = fire.event.township if fire else ("", "")
    zh = clean(county_zh + township_zh)
    en = clean(", ".join(filter(None, (township_en, county_en))))
    return zh or "县名不详", en or "county unknown"


def spell_area(hectares: float) -> tuple[str, str]:
    """Spell an area in hectares and mu."""
    mu = hectares * MU_PER_HA
    return (
        f"约 {hectares:.1f} 公顷（{mu:.0f} 亩）",
        f"about {hectares:.1f} ha ({mu:.0f} mu)",
    )


def spell_time(time: datetime) -> tuple[str, str]:
    """Spell a moment in China's time, to the minute."""
    text = f"{time.astimezone(CHINA):%Y-%m-%d %H:%M}"
    return f"北京时间 {text}", f"{text} UTC+8"


def _describe(
    case: Case, telling: Telling, fire: FireFacts | None, *, simulated: bool
) -> tuple[str, str]:
    parts = [_SIMULATED] if simulated else []
    parts.append(
        (
            f"首次发现：{case.first_night}；最近一次有效观测：{case.evidence}。",
            f"First seen {case.first_night}; last clear observation {case.evidence}.",
        )
    )
    if fire is not None:
        parts += _describe_fire(fire)
    if telling.why is Why.DISMISSED and telling.reason not in {None, Reason.OTHER}:
        zh, en = review_words(telling.reason)
        parts.append((f"研判：{zh}。", f"Review says: {en}."))
    if telling.outcome is not None:
        zh, en = _FOUND[telling.outcome]
        parts.append((f"现场所见：{zh}。", f"Found in the field: {en}."))
    if telling.into:
        parts.append((f"并入 {telling.into}。", f"Goes on as {telling.into}."))
    if not telling.observed:
        parts.append(_HEAT if case.hazard is Hazard.ACTIVE_FIRE else _SIGN)
    return "".join(zh for zh, _ in parts), " ".join(en for _, en in parts)


def _describe_fire(fire: FireFacts) -> list[tuple[str, str]]:
    event = fire.event
    (first_zh, first_en), (last_zh, last_en) = map(
        spell_time, (event.first, event.last)
    )
    names_zh, names_en = "、".join(event.satellites), ", ".join(event.satellites)
    zh = f"热点 {event.detections} 个（{names_zh}），首次 {first_zh}，最近 {last_zh}。"
    en = f"Hotspots: {event.detections} ({names_en}), {first_en} to {last_en}."
    return [(zh, en), (fire.gate_zh, fire.gate_en)]


def _instruct(
    hazard: Hazard, telling: Telling, fire: FireFacts | None
) -> tuple[str, str]:
    burning = hazard is Hazard.ACTIVE_FIRE
    if telling.why is Why.NOT_SEEN:
        return _join(_DO_NOT_SEEN, _EMERGENCY) if burning else _DO_NOT_SEEN
    if telling.why in ENDS:
        return _DO_ENDED
    if not burning:
        return _DO_CANOPY
    if telling.observed or fire is None or fire.verification is not None:
        return _EMERGENCY
    until_zh, until_en = spell_time(fire.verify_by)
    look = (
        f"请于 {until_zh} 前到现场核实。",
        f"Somebody should look before {until_en}.",
    )
    return _join(look, _EMERGENCY)


def _join(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str]:
    return one[0] + other[0], f"{one[1]} {other[1]}"

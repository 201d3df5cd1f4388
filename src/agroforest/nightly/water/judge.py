"""A field's evening: what to do about its water, and what that rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from agroforest.core.aoi import Place
from agroforest.core.errors import AgroforestError
from agroforest.core.risk import EPOCH
from agroforest.nightly.water.almanac import Almanac
from agroforest.nightly.water.capacity import Learned
from agroforest.nightly.water.fields import FarmField
from agroforest.nightly.water.probe_names import name_probes
from agroforest.nightly.water.probe_state import ProbeState
from agroforest.nightly.water.rows import BalanceRow
from agroforest.nightly.water.trails import Led
from agroforest.nightly.water.weather import Words
from agroforest.sensors import FieldCapacity
from agroforest.water import FieldDay
from agroforest.water.advice import Advice, Confidence, Reason, Verdict
from agroforest.water.advise import advise
from agroforest.water.measured import OwnCapacity
from agroforest.water.notices import Notice, find_notices
from agroforest.water.plot import Evidence
from agroforest.water.season import run_season
from agroforest.water.sentences import tell

#: Days without weather in a row after which nothing is advised, as for fire danger.
STALE_DAYS = 3
#: What the balance was drawn to in so many days is named. Arbitrary.
NAMED_DAYS = 7
#: Days whose mean evapotranspiration stands for those ahead where there is no
#: forecast, and how many of them must be known. Arbitrary.
_BEHIND_DAYS, _LEAST_KNOWN = 7, 3
#: A shortage that comes within so many days is red on the map. Our choice.
_URGENT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FieldNight:
    """A parcel on the evening of a night.

    Attributes
    ----------
    place
        Where.
    light
        ``red`` water now, ``amber`` water soon or rain must come, ``green`` enough,
        ``grey`` no advice.
    farm
        The parcel made ready; ``None`` if that could not be.
    advice
        ``None`` where nothing can be said.
    why
        Why not, Chinese and English.
    error
        Of a parcel whose properties cannot be.
    rows, ahead
        Its account up to the night, and the days forecast.
    led
        Its roots' zone; ``None`` without a balance.
    probes
        Its probes tonight.
    learned
        Field capacity that its probes know, where nobody measured it.
    watered
        Day and mm of its last irrigation.
    notices
        Heat and frost.
    """

    place: Place
    light: str
    farm: FarmField | None = None
    advice: Advice | None = None
    why: Words = ("", "")
    error: AgroforestError | None = None
    rows: tuple[BalanceRow, ...] = field(default=(), repr=False)
    ahead: tuple[BalanceRow, ...] = field(default=(), repr=False)
    led: Led | None = field(default=None, repr=False)
    probes: tuple[ProbeState, ...] = ()
    learned: Learned = field(default_factory=dict, repr=False)
    watered: tuple[date, float] | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def sentence(self) -> Words:
        """The one sentence that a farmer needs."""
        if self.advice is not None:
            return self.advice.zh, self.advice.en
        zh, en = self.why
        return f"{self.place.name_zh}：{zh}。", f"{self.place.name_en}: {en}."


def judge(one: FarmField, led: Led | None, almanac: Almanac) -> FieldNight:
    """Judge a field.

    Parameters
    ----------
    one
        The field.
    led
        Its roots' zone on the night's evening; ``None`` without a balance.
    almanac
        Records and forecast.
    """
    end = almanac.end_of(almanac.night)
    probes = tuple(almanac.probes.judge(sensor, end) for sensor in one.sensors)
    last = almanac.irrigations.find_last(one.id, almanac.night)
    found = FieldNight(
        place=one.place,
        farm=one,
        light="grey",
        rows=led.rows if led else (),
        led=led,
        probes=probes,
        learned=almanac.capacities.find(one, almanac.night),
        watered=None if last is None else (_date(last[0]), last[1]),
        notices=_find_notices(one, almanac),
    )
    if led is None:
        return replace(found, why=_explain_nothing(one, almanac))
    stale = int(led.zone.stale)
    if stale > STALE_DAYS:
        zh = f"已 {stale} 天无气象数据，不作建议"
        return replace(found, why=(zh, f"{stale} days without weather, no advice"))
    days, reasons = _look_ahead(one, almanac)
    if not days:
        zh, en = "无天气预报，近日气象也不足", "no forecast, and too little weather"
        return replace(found, why=(f"{zh}，不作建议", f"{en}, no advice"))
    names = name_probes([probe.sensor for probe in probes])
    advice = advise(
        led.zone,
        days,
        crop=one.entry.crop,
        soil=one.soil,
        plot=one.plot,
        evidence=_find_evidence(led.rows, names, found.learned),
        notices=found.notices,
    )
    reasons += _explain_probes(probes, led.rows, names)
    if reasons:
        advice = _add_reasons(advice, reasons, guessed=_is_guessed(one, almanac))
    return replace(
        found,
        light=_find_light(advice),
        advice=advice,
        ahead=_lead_ahead(one, led, days),
    )


def leave_out(place: Place, error: AgroforestError) -> FieldNight:
    """Say why a parcel has no night."""
    zh = f"资料有误，未计算（{error.problem}；{error.remedy}）"
    en = f"left out: {error.problem}; {error.remedy}"
    return FieldNight(place=place, light="grey", why=(zh, en), error=error)


def _look_ahead(
    one: FarmField, almanac: Almanac
) -> tuple[list[FieldDay], list[Reason]]:
    """Days ahead by the forecast; without one, by the days behind and no rain."""
    sky, ahead = almanac.sky(one), almanac.settings.ahead_days
    foreseen = sky.find_ahead(almanac.night, ahead)
    if foreseen:
        return [almanac.dress(one, day.field) for day in foreseen], []
    first = almanac.night - _BEHIND_DAYS + 1
    behind = [sky.find(day) for day in range(first, almanac.night + 1)]
    known = [day.field for day in behind if day.known]
    if len(known) < _LEAST_KNOWN:
        return [], []
    mean = float(np.mean([day.eto for day in known]))
    days = [
        replace(known[-1], day=almanac.night + n, eto=mean, rain=0.0)
        for n in range(1, ahead + 1)
    ]
    reason = Reason(
        f"无预报，按近 {len(known)} 天平均蒸散且无雨推算",
        f"no forecast: as the last {len(known)} days, and no rain",
    )
    return [almanac.dress(one, day) for day in days], [reason]


def _is_guessed(one: FarmField, almanac: Almanac) -> bool:
    return not almanac.sky(one).find_ahead(almanac.night, 1)


def _lead_ahead(
    one: FarmField, led: Led, days: Sequence[FieldDay]
) -> tuple[BalanceRow, ...]:
    dry = [replace(day, irrigation=0.0, wetted=np.nan) for day in days]
    done = run_season(led.zone, dry, crop=one.entry.crop, soil=one.soil)
    return tuple(BalanceRow.of(day.today, day.zone, day.out) for day in done)


def _find_evidence(
    rows: Sequence[BalanceRow], names: Mapping[str, Words], learned: Learned
) -> list[Evidence]:
    """Find what the balance was drawn to lately; nothing of it is doubted tonight."""
    found = []
    for name in dict.fromkeys(n for row in rows[-NAMED_DAYS:] for n in row.drawn):
        zh, en = names.get(name, (name, name))
        own = [
            f"{one.value:.2f} ± {_find_error(one):.2f} ({depth:g} m)"
            for (sensor, depth), one in sorted(learned.items())
            if sensor == name
        ]
        if own:
            zh = f"{zh}（雨后排水得知的田间持水量 {'、'.join(own)}）"
            en = f"{en} (field capacity learned after rain {', '.join(own)})"
        found.append(Evidence(id=name, zh=zh, en=en))
    return found


def _find_error(learned: FieldCapacity) -> float:
    return OwnCapacity(value=learned.value, spread=learned.spread).error


def _explain_probes(
    probes: Sequence[ProbeState],
    rows: Sequence[BalanceRow],
    names: Mapping[str, Words],
) -> list[Reason]:
    """Name the probes that nothing was taken from, and why."""
    reasons = []
    for probe in probes:
        if not probe.usable:
            zh, en = probe.words
            name_zh, name_en = names[probe.sensor.id]
            reasons.append(
                Reason(
                    f"{name_zh} 不可信，未采用（{zh}）",
                    f"{name_en} not trusted, not used ({en})",
                )
            )
    for name in dict.fromkeys(name for row in rows[-1:] for name in row.refused):
        name_zh, name_en = names.get(name, (name, name))
        reasons.append(
            Reason(
                f"{name_zh} 与水量平衡相差过大，未采用",
                f"{name_en} too far off, not used",
            )
        )
    return reasons


def _add_reasons(advice: Advice, reasons: Sequence[Reason], *, guessed: bool) -> Advice:
    """Say more; what rests on no forecast is not sure."""
    changed = advice.patch(reasons=(*advice.reasons, *reasons))
    if guessed and advice.confidence is Confidence.HIGH:
        changed = changed.patch(confidence=Confidence.FAIR)
    zh, en = tell(changed)
    return changed.patch(zh=zh, en=en)


def _find_light(advice: Advice) -> str:
    if advice.verdict is Verdict.WITHHELD:
        return "grey"
    if advice.verdict is Verdict.ENOUGH:
        return "green"
    if advice.verdict is Verdict.RAIN_COMES or advice.latest is None:
        return "amber"
    soon = advice.latest <= advice.day + _URGENT
    return "red" if advice.overdue or soon else "amber"


def _find_notices(one: FarmField, almanac: Almanac) -> tuple[Notice, ...]:
    days = almanac.sky(one).tell_temperatures(
        almanac.night, almanac.settings.ahead_days
    )
    end = almanac.end_of(almanac.night)
    soil = almanac.probes.soil_temperature(one.sensors, end - timedelta(days=1), end)
    days = [replace(days[0], soil=soil), *days[1:]]
    return find_notices(days, cold=one.entry.cold, heat=one.entry.heat)


def _explain_nothing(one: FarmField, almanac: Almanac) -> Words:
    if one.find_season(_date(almanac.night)) is None:
        return (
            f"{one.entry.zh}不在生长季（未播种或已收获），不作建议",
            f"no {one.entry.en} on it now (not sown yet, or harvested), no advice",
        )
    return "没有截至当晚的气象数据，不作建议", "no weather up to the night, no advice"


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)

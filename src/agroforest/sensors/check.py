"""Every flag of every reading, as codes and words: what ``sensors check`` writes.

ISMN's codes are those of `agroforest.sensors.flags_ismn`. The words are ours:

============  =============================================================
word          from
============  =============================================================
``missing``   the device's error value
``range``     `agroforest.sensors.quality.LIMITS`
``spike``     `agroforest.sensors.quality.find_spikes`
``flat``      `agroforest.sensors.quality.find_flat`
``gap``       `agroforest.sensors.quality.find_gaps`
``break``     a drop, D07; a jump, D08, where it is known not to have rained
``plateau``   D09, D10
``frozen``    D01, D03
``rainless``  D04, D05
``stale``     `agroforest.sensors.flags_probe.find_stale`
``battery``   `agroforest.sensors.flags_probe.find_low_battery`
============  =============================================================
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.flags_ismn import CODES, LEAST_RAIN, build_hourly, find_ismn
from agroforest.sensors.flags_sensor import pick_series
from agroforest.sensors.quality import flag
from agroforest.sensors.surroundings import Series, Surroundings, Values, sum_rain

#: Chinese and English of every code and word.
MEANINGS: Mapping[str, tuple[str, str]] = {
    "C01": ("低于 0", "below 0"),
    "C02": ("高于 60 %", "above 60 %"),
    "C03": ("高于饱和含水量", "above saturation"),
    "D01": ("土壤冻结", "soil frozen"),
    "D02": ("气温低于 0 °C", "air below freezing"),
    "D03": ("土壤冻结（模型）", "soil frozen, by a model"),
    "D04": ("无雨而升", "rise without rain"),
    "D05": ("无雨而升（模型雨量）", "rise without rain, by a model"),
    "D06": ("尖峰", "spike"),
    "D07": ("突降", "drop"),
    "D08": ("突升", "jump"),
    "D09": ("突降后持续偏低", "constant and low after a drop"),
    "D10": ("饱和平台", "constant at the highest level"),
    "missing": ("设备报错", "the device reported an error"),
    "range": ("超出可能范围", "outside what can be"),
    "spike": ("尖峰", "spike"),
    "flat": ("长时间不变", "unchanged for too long"),
    "gap": ("中断后的首个读数", "first reading after a silence"),
    "break": ("突变", "the level changes at once"),
    "plateau": ("平台", "plateau"),
    "frozen": ("冻结", "frozen soil"),
    "rainless": ("无雨而升", "rise without rain"),
    "stale": ("旧数据重发", "sent again with a new time"),
    "battery": ("电池电量不足", "low battery"),
}

_WORDS = {quality: str(quality.name).lower() for quality in Quality}
#: Flags of ours that follow from ISMN's.
_FOLLOWS = {
    "D01": Quality.FROZEN,
    "D03": Quality.FROZEN,
    "D04": Quality.RAINLESS,
    "D05": Quality.RAINLESS,
    "D07": Quality.BREAK,
    "D09": Quality.PLATEAU,
    "D10": Quality.PLATEAU,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A reading and its flags.

    Attributes
    ----------
    reading
        With all that concerns `Quality` in its own field, too.
    flags
        Codes in order, then words; empty for a good reading.
    """

    reading: Reading
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ground:
    """What is known of the place, for `check`.

    Attributes
    ----------
    saturation
        m3/m3, for C03; ``None`` leaves it out.
    around
        Instruments beside the probe, and models. What the probe itself reports
        comes first.
    """

    saturation: float | None = None
    around: Surroundings = field(default_factory=Surroundings)


def check(
    readings: Iterable[Reading],
    ground: Ground | None = None,
    *,
    codes: Collection[str] = CODES,
) -> list[Checked]:
    """Judge readings; none is changed or left out.

    Parameters
    ----------
    readings
        Of any sensors, in any order.
    ground
        What is known of the place.
    codes
        Which of ISMN's codes are asked for.

    Returns
    -------
    list of Checked
        In the order given.
    """
    ground = ground or Ground()
    judged = flag(readings)
    told: list[tuple[str, ...]] = [()] * len(judged)
    series: dict[tuple[str, float | None], list[int]] = {}
    for index, each in enumerate(judged):
        if each.variable == Variable.SOIL_MOISTURE:
            series.setdefault((each.sensor, each.depth_m), []).append(index)
    own = {name: _look_around(judged, name, ground.around) for name, _ in series}
    for (sensor, depth), places in series.items():
        order, found = _find_codes(
            [judged[place] for place in places], depth, ground, own[sensor]
        )
        for row, number in enumerate(order.tolist()):
            place = places[number]
            here = tuple(
                code
                for code in CODES
                if code in codes and code in found and found[code][row]
            )
            if here:
                told[place] = here
                quality = judged[place].quality | _follow(here, found, row)
                judged[place] = judged[place].patch(quality=quality)
    return [
        Checked(reading=each, flags=(*here, *_name_words(each.quality)))
        for each, here in zip(judged, told, strict=True)
    ]


def find_unjudged(checked: Sequence[Checked], ground: Ground) -> dict[str, str]:
    """Say which codes could not be judged for want of what.

    Returns
    -------
    dict
        Code and what it needs, in both languages.
    """
    kinds = {one.reading.variable for one in checked}
    around = ground.around
    needs = {
        "C03": (ground.saturation is not None, "饱和含水量 saturation"),
        "D01": (
            around.soil_temperature is not None or Variable.SOIL_TEMPERATURE in kinds,
            "土壤温度 soil temperature",
        ),
        "D02": (
            around.air_temperature is not None or Variable.AIR_TEMPERATURE in kinds,
            "气温 air temperature",
        ),
        "D03": (
            around.model_temperature is not None,
            "模型土壤温度 soil temperature of a model",
        ),
        "D04": (
            around.rain is not None or Variable.PRECIPITATION in kinds,
            "雨量 rain",
        ),
        "D05": (around.model_rain is not None, "模型雨量 rain of a model"),
    }
    missing = {code: what for code, (known, what) in needs.items() if not known}
    if not _is_hourly(checked):
        hourly = [code for code in CODES if code >= "D04" and code not in missing]
        missing |= dict.fromkeys(hourly, "逐小时读数 hourly readings")
    return dict(sorted(missing.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """A time without readings of one series.

    Attributes
    ----------
    sensor, variable, depth_m
        Of which series.
    since, until
        Last reading before it and first after it, UTC.
    """

    sensor: str
    variable: Variable
    depth_m: float | None
    since: datetime
    until: datetime

    @property
    def hours(self) -> float:
        """How long it lasted."""
        return (self.until - self.since).total_seconds() / 3600


def find_silences(checked: Sequence[Checked]) -> list[Silence]:
    """Find the silences before the readings flagged ``gap``, the longest first."""
    found: list[Silence] = []
    last: dict[tuple[str, Variable, float | None], datetime] = {}
    for each in sorted((one.reading for one in checked), key=lambda r: r.time):
        key = each.sensor, each.variable, each.depth_m
        if each.quality & Quality.GAP and key in last:
            sensor, variable, depth = key
            found.append(
                Silence(
                    sensor=sensor,
                    variable=variable,
                    depth_m=depth,
                    since=last[key].astimezone(UTC),
                    until=each.time.astimezone(UTC),
                )
            )
        last[key] = each.time
    return sorted(found, key=lambda one: (-one.hours, one.until))


def _is_hourly(checked: Sequence[Checked]) -> bool:
    """Tell whether any series of soil moisture comes once an hour."""
    series: dict[tuple[str, float | None], list[float]] = {}
    for each in (one.reading for one in checked):
        if each.variable == Variable.SOIL_MOISTURE:
            key = each.sensor, each.depth_m
            series.setdefault(key, []).append(each.time.timestamp())
    times = [np.sort(np.array(moments)) for moments in series.values()]
    return any(build_hourly(time, np.zeros(len(time))) is not None for time in times)


def _look_around(
    readings: Sequence[Reading], sensor: str, around: Surroundings
) -> Surroundings:
    """Surroundings of one sensor: what it measures itself, else what is given."""
    mine = [each for each in readings if each.sensor == sensor]
    time = np.array([each.time.timestamp() for each in mine])
    changes: dict[str, Series] = {}
    for name, variable in (
        ("soil_temperature", Variable.SOIL_TEMPERATURE),
        ("air_temperature", Variable.AIR_TEMPERATURE),
        ("rain", Variable.PRECIPITATION),
    ):
        series = pick_series(mine, time, variable)
        if series is not None:
            changes[name] = series
    return replace(around, **changes) if changes else around


def _find_codes(
    readings: Sequence[Reading],
    depth: float | None,
    ground: Ground,
    around: Surroundings,
) -> tuple[NDArray[np.intp], dict[str, NDArray[np.bool_]]]:
    """Order of time, and each code's mask in that order."""
    time = np.array([each.time.timestamp() for each in readings])
    value = np.array([np.nan if (v := r.value) is None else v for r in readings])
    order = np.lexsort((value, time))
    moments = time[order]
    found = find_ismn(
        moments,
        value[order],
        depth_m=depth,
        saturation=ground.saturation,
        around=around,
    )
    if "D08" in found:
        found["_dry_jump"] = found["D08"] & _is_dry(moments, around)
    return order, found


def _is_dry(time: Values, around: Surroundings) -> NDArray[np.bool_]:
    dry = np.zeros(len(time), np.bool_)
    for rain in (around.rain, around.model_rain):
        if rain is not None:
            dry |= sum_rain(rain, time) < LEAST_RAIN
    return dry


def _follow(
    codes: Sequence[str], found: Mapping[str, NDArray[np.bool_]], row: int
) -> Quality:
    quality = Quality.GOOD
    for code in codes:
        quality |= _FOLLOWS.get(code, Quality.GOOD)
    if "D08" in codes and found["_dry_jump"][row]:
        quality |= Quality.BREAK
    return quality


def _name_words(quality: Quality) -> list[str]:
    return [word for bit, word in _WORDS.items() if quality & bit]

"""How far a soil moisture probe is to be trusted, and why.

A score from 0 to 1, the product of what speaks against the probe; every factor below 1
comes with its reason in both languages. Below `DISTRUST` nothing is to be advised from
it, and no valve opened. All numbers here are arbitrary choices, made so that one fault
alone that leaves the number useless (silence for days, half of the readings flagged, an
low battery and a flat line) brings the score below `DISTRUST`. Satellites alone
never do: they see the skin of the soil and leaves (`agroforest.sensors.accord`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.accord import LEAST_DATES, Accord, compare_ranks
from agroforest.sensors.flags_probe import find_silence
from agroforest.sensors.surroundings import Series, Values

#: Below this a probe is not used.
DISTRUST = 0.5
#: Days that are looked back on.
LOOK_BACK_DAYS = 14.0
#: Flags that speak against the number itself.
BAD = (
    Quality.RANGE
    | Quality.SPIKE
    | Quality.FLAT
    | Quality.MISSING
    | Quality.BREAK
    | Quality.PLATEAU
    | Quality.STALE
)
#: A share of bad readings that leaves nothing of the trust.
_USELESS = 0.8
#: The newest so many readings tell how the probe is now.
_NEWEST = 6
_NOW_BAD, _FROZEN, _RAINLESS, _BATTERY = 0.4, 0.4, 0.8, 0.6
#: Days of silence after which nothing is left of the trust.
_GONE_DAYS = 5.0
#: Correlation with neighbours: from 0 at the lower to full trust at the upper.
_AGREES, _CONTRADICTS = 0.5, -0.5
#: The least that contradiction leaves: neighbours may have been irrigated.
_CONTRADICTED = 0.3
#: The same with wetness seen from space, of the best that the dates allow, and the
#: least that contradiction leaves.
_SEEN_AGREES, _SEEN_CONTRADICTS, _SEEN_CONTRADICTED = 0.2, -0.5, 0.5
#: Days that both must have, and the least spread of their daily means, m3/m3, below
#: which nothing happened to agree on.
_COMMON_DAYS, _STILL = 7, 0.005

_DAY = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Something that speaks against a probe.

    Attributes
    ----------
    factor
        What it leaves of the trust, 0 to 1.
    zh, en
        Why, with the figures.
    """

    factor: float
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """Trust in a probe.

    Attributes
    ----------
    score
        0 to 1.
    reasons
        What lowered it, the worst first; empty at 1.
    notes
        What was asked and did not lower it, Chinese and English.
    """

    score: float
    reasons: tuple[Reason, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def usable(self) -> bool:
        """Whether advice may be given from it."""
        return self.score >= DISTRUST


def assess(
    readings: Sequence[Reading],
    *,
    now: float,
    neighbours: Sequence[Series] = (),
    wetness: Series | None = None,
) -> Trust:
    """Assess a probe by its last days.

    Parameters
    ----------
    readings
        Of one sensor at one depth, flagged (`agroforest.sensors.check`), any order;
        of other variables none.
    now
        Seconds since 1970.
    neighbours
        Soil moisture of other probes near it, good readings only.
    wetness
        Wetness of its field from satellites on clear dates, any scale, rising with
        water; ``None`` where nobody looked. Only the order of the dates counts.

    Returns
    -------
    Trust
        0 with its reason where there is nothing to judge.
    """
    mine = sorted(
        (
            (each.time.timestamp(), each)
            for each in readings
            if each.variable == Variable.SOIL_MOISTURE and each.time.timestamp() <= now
        ),
        key=lambda pair: pair[0],
    )
    if not mine:
        return Trust(score=0.0, reasons=(_NOTHING,))
    time = np.array([moment for moment, _ in mine])
    recent = [each for moment, each in mine if moment >= now - LOOK_BACK_DAYS * _DAY]
    own = _find_good(mine)
    seen, notes = _judge_seen(own, now, wetness)
    reasons = [
        *_judge_silence(time, now),
        *_judge_flags(recent),
        *_judge_state(recent[-_NEWEST:]),
        *_judge_neighbours(own, now, neighbours),
        *seen,
    ]
    score = float(np.prod([reason.factor for reason in reasons])) if reasons else 1.0
    worst = sorted(reasons, key=lambda reason: reason.factor)
    return Trust(score=round(score, 3), reasons=tuple(worst), notes=notes)


_COMPARED = "clear dates to compare with wetness seen by satellite"
_NOTHING = Reason(factor=0.0, zh="没有读数", en="no readings")


def _judge_silence(time: Values, now: float) -> list[Reason]:
    quiet = find_silence(time, now)
    if quiet is None:
        return []
    return [
        Reason(
            factor=round(max(0.0, 1 - quiet / 24 / _GONE_DAYS), 3),
            zh=f"已 {quiet:.0f} 小时没有读数",
            en=f"silent for {quiet:.0f} hours",
        )
    ]


def _judge_flags(recent: Sequence[Reading]) -> list[Reason]:
    bad = sum(1 for each in recent if each.quality & BAD)
    if not bad:
        return []
    share = bad / len(recent)
    return [
        Reason(
            factor=round(max(0.0, 1 - share / _USELESS), 3),
            zh=f"近 {LOOK_BACK_DAYS:.0f} 天 {share:.0%} 的读数异常",
            en=f"{share:.0%} of the readings of {LOOK_BACK_DAYS:.0f} days are doubtful",
        )
    ]


def _judge_state(newest: Sequence[Reading]) -> list[Reason]:
    """Judge what all of the newest readings have in common."""
    if not newest:
        return []
    shared = newest[0].quality
    for each in newest[1:]:
        shared &= each.quality
    always_bad = all(each.quality & BAD for each in newest)
    known = (
        (always_bad, _NOW_BAD, "最新读数全部异常", "all of the newest are doubtful"),
        (Quality.FROZEN in shared, _FROZEN, "土壤冻结", "the soil is frozen"),
        (
            any(each.quality & Quality.RAINLESS for each in newest),
            _RAINLESS,
            "无雨而水分上升",
            "it rises without rain",
        ),
        (Quality.BATTERY in shared, _BATTERY, "电池电量不足", "its battery is low"),
    )
    return [Reason(factor=f, zh=zh, en=en) for true, f, zh, en in known if true]


def _find_good(mine: Sequence[tuple[float, Reading]]) -> Series:
    """Numbers in order of time, NaN where they are doubtful."""
    return Series(
        time=np.array([moment for moment, _ in mine]),
        value=np.array(
            [
                np.nan if each.value is None or each.quality & BAD else each.value
                for _, each in mine
            ]
        ),
    )


def _judge_neighbours(
    own: Series, now: float, neighbours: Sequence[Series]
) -> list[Reason]:
    found = [_correlate(own, other, now) for other in neighbours]
    known = [each for each in found if each is not None]
    if not known:
        return []
    middle = float(np.median(known))
    if middle >= _AGREES:
        return []
    share = (middle - _CONTRADICTS) / (_AGREES - _CONTRADICTS)
    return [
        Reason(
            factor=_lower(share, _CONTRADICTED),
            zh=f"与{len(known)} 个相邻探头不一致（相关 {middle:.2f}）",
            en=f"disagrees with {len(known)} neighbouring probes "
            f"(correlation {middle:.2f})",
        )
    ]


def _judge_seen(
    own: Series, now: float, wetness: Series | None
) -> tuple[list[Reason], tuple[tuple[str, str], ...]]:
    """Judge by the wetness seen: what speaks against the probe, and what does not."""
    if wetness is None:
        return [], ()
    found = compare_ranks(own, wetness, now)
    if found.correlation is None or found.at_best is None:
        return [], (_say_unjudged(found),)
    zh = f"{found.dates} 个晴天，等级相关 {found.correlation:.2f}"
    en = f"{found.dates} clear dates, rank correlation {found.correlation:.2f}"
    if found.at_best >= _SEEN_AGREES:
        word = "agrees" if found.correlation >= _SEEN_AGREES else "is not at odds"
        word_zh = "一致" if found.correlation >= _SEEN_AGREES else "无明显矛盾"
        seen = "with wetness seen by satellite"
        said = f"与卫星湿度{word_zh}（{zh}）", f"{word} {seen} ({en})"
        return [], (said,)
    share = (found.at_best - _SEEN_CONTRADICTS) / (_SEEN_AGREES - _SEEN_CONTRADICTS)
    reason = Reason(
        factor=_lower(share, _SEEN_CONTRADICTED),
        zh=f"与卫星湿度的涨落不一致（{zh}）",
        en=f"disagrees with wetness seen by satellite ({en})",
    )
    return [reason], ()


def _say_unjudged(found: Accord) -> tuple[str, str]:
    if found.dates < LEAST_DATES:
        zh, en = f"仅 {found.dates} 个（需 {LEAST_DATES} 个）", f"{found.dates}"
        return (
            f"可与卫星湿度比较的晴天{zh}，未参评",
            f"{_COMPARED}: {en} of the {LEAST_DATES} needed, not judged by it",
        )
    return (
        "卫星湿度没有可比的涨落，未参评",
        "wetness seen by satellite neither rose nor fell: not judged by it",
    )


def _lower(share: float, least: float) -> float:
    """Factor between the least and 1."""
    return round(least + (1 - least) * min(1.0, max(0.0, share)), 3)


def _correlate(own: Series, other: Series, now: float) -> float | None:
    """Correlation of daily means, ``None`` where there is nothing to compare."""
    mine, theirs = _daily(own, now), _daily(other, now)
    days = sorted(set(mine) & set(theirs))
    if len(days) < _COMMON_DAYS:
        return None
    a, b = (np.array([part[day] for day in days]) for part in (mine, theirs))
    if b.std() <= _STILL:
        return None  # nothing happened there
    if a.std() == 0:
        return 0.0  # it happened there, and here nothing moved
    return float(np.corrcoef(a, b)[0, 1])


def _daily(series: Series, now: float) -> dict[int, float]:
    # Twice the time of the flags: neighbours agree on weeks, not on hours.
    keep = (series.time > now - 2 * LOOK_BACK_DAYS * _DAY) & (series.time <= now)
    keep &= ~np.isnan(series.value)
    days = np.floor(series.time[keep] / _DAY).astype(np.int64)
    values = series.value[keep]
    return {int(day): float(values[days == day].mean()) for day in np.unique(days)}

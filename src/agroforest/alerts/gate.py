"""The gate of fire alerts: on a wet day of low danger one look is not enough.

Values in, value out: whoever raises an alert gives the danger of its cell that day and
counts the looks that saw the fire. What is not known never holds an alert back: it
passes, and is called ungated.
"""

from dataclasses import dataclass

from agroforest.core.fire import Gate

#: Highest rank of a day of low danger; five ranks. Our choice.
LOW_RANK = 2
#: Millimetres in 24 hours from which a day is wet: more rain than this reaches the duff
#: (Van Wagner 1987, Eq. 11). That it makes a day wet for this purpose is our choice.
WET_MM = 1.5
#: Looks that an alert needs, and needs on a wet day of low danger: our choice.
USUAL_LOOKS = 1
MORE_LOOKS = 2
_HIGHEST_RANK = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Danger where and when an alert was raised.

    Attributes
    ----------
    rank
        1 to 5; 0 or ``None`` where it is not known.
    rain
        Millimetres in 24 hours; ``None`` or NaN where it is not known.
    """

    rank: int | None
    rain: float | None

    def __post_init__(self) -> None:
        if self.rank is not None and not 0 <= self.rank <= _HIGHEST_RANK:
            raise ValueError(f"rank {self.rank}, not from 0 to {_HIGHEST_RANK}")

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of what is not known."""
        lost = []
        if not self.rank:
            lost.append("rank")
        if self.rain is None or not self.rain >= 0:
            lost.append("rain")
        return tuple(lost)


@dataclass(frozen=True, kw_only=True, slots=True)
class GateVerdict:
    """What the gate says, and why.

    Attributes
    ----------
    gate
        The word.
    needed
        Looks that an alert needs on such a day.
    reason_zh, reason_en
        One sentence each.
    """

    gate: Gate
    needed: int
    reason_zh: str
    reason_en: str

    @property
    def lets_through(self) -> bool:
        """Whether the alert is sent."""
        return self.gate is not Gate.HELD


def judge(conditions: Conditions, *, looks: int) -> GateVerdict:
    """Judge an alert.

    Parameters
    ----------
    conditions
        Danger and rain of its cell on its day.
    looks
        Independent looks that saw it: overpasses of satellites at different times,
        clear images of different days, a person on the ground.

    Returns
    -------
    GateVerdict
        Held only on a day that is known to be wet and of low danger, for want of
        looks.

    Raises
    ------
    ValueError
        If nobody looked.
    """
    if looks < 1:
        raise ValueError(f"{looks} looks")
    if conditions.missing:
        lost = ", ".join(conditions.missing)
        return GateVerdict(
            gate=Gate.UNGATED,
            needed=USUAL_LOOKS,
            reason_zh=f"未经门控：缺少 {lost}",
            reason_en=f"ungated: {lost} not known",
        )
    rank, rain = conditions.rank or 0, conditions.rain or 0.0
    quiet = rank <= LOW_RANK and rain >= WET_MM
    needed = MORE_LOOKS if quiet else USUAL_LOOKS
    day_zh = f"火险 {rank} 级，24 小时降水 {rain:.1f} 毫米"
    day_en = f"rank {rank}, {rain:.1f} mm of rain in 24 hours"
    return GateVerdict(
        gate=Gate.PASSED if looks >= needed else Gate.HELD,
        needed=needed,
        reason_zh=f"{day_zh}；需 {needed} 次观测，已有 {looks} 次",
        reason_en=f"{day_en}; looks: {looks}, needed: {needed}",
    )

"""A probe as it is at a moment, and what the probes of a field say of an evening."""

from dataclasses import dataclass
from datetime import datetime

from agroforest.core.reading import Sensor
from agroforest.sensors import Trust
from agroforest.water.measured import OwnCapacity


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeState:
    """A probe as it is at a moment.

    Attributes
    ----------
    sensor
        Which.
    trust
        Of its worst depth; ``None`` where it reports no soil moisture.
    depth_m
        Of that depth.
    last
        Newest reading of any variable.
    placed
        Whether it is known how deep any of its soil moisture is measured.
    """

    sensor: Sensor
    trust: Trust | None
    depth_m: float | None = None
    last: datetime | None = None
    placed: bool = True

    @property
    def usable(self) -> bool:
        """Whether the balance may be drawn to it."""
        return self.trust is not None and self.trust.usable and self.placed

    @property
    def explained(self) -> tuple[str, str]:
        """Why it is trusted as far as it is, with what was asked in vain."""
        notes = () if self.trust is None else self.trust.notes
        said = [words for words in (self.words, *notes) if words[0]]
        return "；".join(zh for zh, _ in said), "; ".join(en for _, en in said)

    @property
    def words(self) -> tuple[str, str]:
        """Why it is not wholly trusted; empty if it is."""
        if self.trust is None:
            return "没有土壤水分读数", "reports no soil moisture"
        words = [(reason.zh, reason.en) for reason in self.trust.reasons]
        if not self.placed:
            words.append(("埋深未知，不能用于水量平衡", "depth unknown: not used"))
        return "；".join(zh for zh, _ in words), "; ".join(en for _, en in words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moisture:
    """What trusted probes of a field say of an evening.

    Attributes
    ----------
    depths, values
        Metres, downwards; m³/m³, mean of the probes at that depth.
    capacities
        Of each depth, what its probes learned; ``None`` unless all of them did.
    sensors
        Ids of those that speak.
    silent
        Ids of those that do not: no good reading, or nobody trusts them.
    """

    depths: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    capacities: tuple[OwnCapacity | None, ...] = ()
    sensors: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

"""What work cost: time, bytes, energy, carbon; and what was saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class EnergySource(StrEnum):
    """How an energy is known."""

    MEASURED = "measured"  #: counters of the processor; memory is added by assumption
    ESTIMATED = "estimated"  #: processor seconds times an assumed power
    UNKNOWN = "unknown"  #: the work was done where nobody counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a piece of work cost.

    Attributes
    ----------
    seconds
        Wall time.
    cpu_seconds
        Processor time of this process and its children.
    bytes_read
        Bytes of scenes that were read, compressed as they came.
    energy_kwh
        Of processor and memory; kilowatt-hours.
    source
        How that energy is known.
    factor_g_per_kwh
        Carbon of the grid: grams of CO2 (equivalent, where the source says so) for a
        kilowatt-hour.
    factor_source
        Where that factor is from, in a few words.
    saved
        What was not done, counted by why: ``{"unchanged_tiles": 3, …}``; see
        `agroforest.nightly.power.saved`.
    tiles
        Tiles that were worked on.
    km2
        Square kilometres that were watched.
    alerts
        New alerts that came of it.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes_read: int = 0
    energy_kwh: float = 0.0
    source: EnergySource = EnergySource.UNKNOWN
    factor_g_per_kwh: float = 0.0
    factor_source: str = ""
    saved: Mapping[str, float] = field(default_factory=dict)
    tiles: int = 0
    km2: float = 0.0
    alerts: int = 0

    @property
    def carbon_g(self) -> float:
        """Grams of CO2 (equivalent) of the energy."""
        return self.energy_kwh * self.factor_g_per_kwh

    def patch(self, **changes: Any) -> "Cost":  # noqa: ANN401  fields of any type
        """Copy with some fields changed."""
        return replace(self, **changes)

    def plain(self) -> dict[str, Any]:
        """As plain values: `from_plain` restores it."""
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "bytes_read": self.bytes_read,
            "energy_kwh": round(self.energy_kwh, 9),
            "source": str(self.source),
            "factor_g_per_kwh": self.factor_g_per_kwh,
            "factor_source": self.factor_source,
            "saved": dict(self.saved),
            "tiles": self.tiles,
            "km2": round(self.km2, 6),
            "alerts": self.alerts,
        }

    @classmethod
    def from_plain(cls, kept: Mapping[str, Any]) -> "Cost":
        """Inverse of `plain`; of nothing kept, nothing is known."""
        if not kept:
            return cls()
        return cls(**{**kept, "source": EnergySource(kept["source"])})

"""What many nights cost: the rows and totals of ``agroforest carbon``. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from agroforest.core.cost import Cost, EnergySource
from agroforest.core.execution import Execution
from agroforest.nightly.power.saved import SAVED_KWH


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What a night of a pipeline cost, all tries together.

    Attributes
    ----------
    pipeline, night
        Which.
    tries
        How many there were.
    unknown
        Tries that were killed, or ran before costs were kept: nobody knows what they
        took.
    seconds, cpu_seconds, bytes_read, kwh, carbon_g
        As in `Cost`, added up.
    measured_kwh
        Of these kilowatt-hours, those that were measured.
    saved_kwh
        Estimated.
    tiles, alerts
        Added up.
    km2
        Square kilometres watched; of many nights, added up night by night.
    factors
        Sources of the grid's factors.
    saved
        Counts of what was not done.
    """

    pipeline: str
    night: date | None
    tries: int
    unknown: int
    seconds: float
    cpu_seconds: float
    bytes_read: int
    kwh: float
    carbon_g: float
    measured_kwh: float
    saved_kwh: float
    tiles: int
    alerts: int
    km2: float
    factors: tuple[str, ...]
    saved: tuple[tuple[str, float], ...]

    @property
    def source(self) -> EnergySource | None:
        """How the energy is known; ``None`` where it is partly measured."""
        if not self.kwh:
            return EnergySource.UNKNOWN
        if self.measured_kwh == 0.0:
            return EnergySource.ESTIMATED
        return EnergySource.MEASURED if self.measured_share > _ALL else None

    @property
    def measured_share(self) -> float:
        """Share of the energy that was measured, 0..1."""
        return self.measured_kwh / self.kwh if self.kwh else 0.0

    @property
    def g_per_km2(self) -> float | None:
        """Grams of CO2 for a square kilometre and night."""
        return self.carbon_g / self.km2 if self.km2 else None

    @property
    def g_per_alert(self) -> float | None:
        """Grams of CO2 for a new alert; ``None`` where there was none."""
        return self.carbon_g / self.alerts if self.alerts else None

    @property
    def saved_share(self) -> float:
        """Share of what it would have been that was saved, 0..1; estimated."""
        whole = self.kwh + self.saved_kwh
        return self.saved_kwh / whole if whole else 0.0


# Sums of many small numbers are off in the last digits.
_ALL = 1 - 1e-9


def build_lines(executions: Iterable[Execution]) -> list[Line]:
    """Put the tries of each night together, by night and pipeline."""
    ordered = sorted(executions, key=lambda e: (e.night, e.pipeline))
    return [
        _line(pipeline, night, [e.cost for e in group])
        for (night, pipeline), group in groupby(
            ordered, key=lambda e: (e.night, e.pipeline)
        )
    ]


def build_total(lines: Sequence[Line]) -> Line:
    """Add lines up."""
    saved: Counter[str] = Counter()
    for line in lines:
        saved.update(dict(line.saved))
    return Line(
        pipeline="",
        night=None,
        tries=sum(x.tries for x in lines),
        unknown=sum(x.unknown for x in lines),
        seconds=sum(x.seconds for x in lines),
        cpu_seconds=sum(x.cpu_seconds for x in lines),
        bytes_read=sum(x.bytes_read for x in lines),
        kwh=sum(x.kwh for x in lines),
        carbon_g=sum(x.carbon_g for x in lines),
        measured_kwh=sum(x.measured_kwh for x in lines),
        saved_kwh=sum(x.saved_kwh for x in lines),
        tiles=sum(x.tiles for x in lines),
        alerts=sum(x.alerts for x in lines),
        km2=sum(x.km2 for x in lines),
        factors=tuple(sorted({f for x in lines for f in x.factors})),
        saved=tuple(sorted(saved.items())),
    )


def _line(pipeline: str, night: date, costs: Sequence[Cost]) -> Line:
    saved: Counter[str] = Counter()
    for cost in costs:
        saved.update(dict(cost.saved))
    saved_kwh = saved.pop(SAVED_KWH, 0.0)
    known = [c for c in costs if c.source is not EnergySource.UNKNOWN]
    measured = [c for c in known if c.source is EnergySource.MEASURED]
    return Line(
        pipeline=pipeline,
        night=night,
        tries=len(costs),
        unknown=len(costs) - len(known),
        seconds=sum(c.seconds for c in costs),
        cpu_seconds=sum(c.cpu_seconds for c in costs),
        bytes_read=sum(c.bytes_read for c in costs),
        kwh=sum(c.energy_kwh for c in known),
        carbon_g=sum(c.carbon_g for c in known),
        measured_kwh=sum(c.energy_kwh for c in measured),
        saved_kwh=float(saved_kwh),
        tiles=sum(c.tiles for c in costs),
        alerts=sum(c.alerts for c in costs),
        # The area is watched once a night, however many tries that took.
        km2=max((c.km2 for c in costs), default=0.0),
        factors=tuple(sorted({c.factor_source for c in known if c.factor_source})),
        saved=tuple(sorted(saved.items())),
    )

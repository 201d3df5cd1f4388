"""What nights will take, before anything runs: time, bytes, disk, electricity.

Pure: plans, surveys and figures in, an estimate out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from agroforest.nightly.outlook.experience import Experience
from agroforest.nightly.outlook.figures import Figures
from agroforest.nightly.outlook.rates import Cost, Means, Night, Rates
from agroforest.nightly.plan import Watch

#: Estimates are tested to lie within this factor of what a real run takes.
FACTOR = 1.5
_KWH = 3.6e6  # joules


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What nights will take.

    Attributes
    ----------
    first, last
        Of the nights asked for.
    nights
        Of these, how many have work.
    tiles_watched, tiles_busy
        Tiles of the area, and those with work.
    learning, judging
        Seasons to learn, tiles to judge.
    overhead_s
        Seconds of looking up scenes, starting workers, report and map.
    page_bytes
        Of report and map.
    scratch_bytes
        Of files that are there only while seasons are learned, all workers.
    memory_bytes
        Peak of one worker; 0 if unknown.
    workers
        As assumed.
    watts, watts_from
        Power while the work lasts, and how it is known: ``"given"``,
        ``"measured"`` or ``"assumed"``.
    grams_per_kwh
        CO2 of the grid.
    ordinary
        A night that brings one new scene to every tile, its map left out; ``None``
        if there is no scene to go by.
    looked_at
        Tasks whose files were looked at; they speak for the others.
    """

    first: date
    last: date
    nights: int
    tiles_watched: int
    tiles_busy: int
    learning: Cost
    judging: Cost
    overhead_s: float
    page_bytes: float
    scratch_bytes: float
    memory_bytes: float
    workers: int
    watts: float
    watts_from: str
    grams_per_kwh: float
    ordinary: Cost | None
    looked_at: int

    @property
    def wall_s(self) -> float:
        """Expected seconds from start to end."""
        return self.learning.wall_s + self.judging.wall_s + self.overhead_s

    @property
    def range_s(self) -> tuple[float, float]:
        """Between what seconds it will lie; see `FACTOR`."""
        return self.wall_s / FACTOR, self.wall_s * FACTOR

    @property
    def disk_bytes(self) -> float:
        """By how much the work folder grows."""
        both = self.learning + self.judging
        return both.output_bytes + both.state_bytes + self.page_bytes

    @property
    def kwh(self) -> float:
        """Electricity of the expected time."""
        return self.wall_s * self.watts / _KWH

    @property
    def grams(self) -> float:
        """CO2 of that electricity."""
        return self.kwh * self.grams_per_kwh


def estimate(
    watch: Watch,
    dates: Sequence[date],
    nights: Sequence[Night],
    *,
    figures: Figures,
    means: Means,
    experience: Experience | None = None,
    typical: Night | None = None,
    planning_s: float = 0.0,
    layer_mpx: float = 0.0,
) -> Estimate:
    """Estimate what nights take.

    Parameters
    ----------
    watch
        The pipeline.
    dates
        Nights asked for, rising.
    nights
        Those with work.
    figures
        What was measured.
    means
        What the work is done with.
    experience
        What past nights correct.
    typical
        Some tiles of the area, each with one scene.
    planning_s
        Seconds it took to look the scenes up.
    layer_mpx
        Megapixels of a tile's picture on the map, mean.
    """
    known = experience or Experience()
    rates = Rates(watch, figures, known, means)
    learning, judging = Cost(), Cost()
    filled: dict[str, float] = {}
    for night in nights:
        learning += rates.learn(night, filled)
        judging += rates.judge(night, filled)
    busy = {t.tile.id for n in nights for t in (*n.plan.baselines, *n.plan.tasks)}
    layers = _layers(watch, nights, known, figures) * layer_mpx
    page_s = figures.page.night_s + layers * figures.page.layer_s if nights else 0.0
    watts, watts_from = _watts(figures, means)
    return Estimate(
        first=dates[0],
        last=dates[-1],
        nights=len(nights),
        tiles_watched=len(watch.tiles),
        tiles_busy=len(busy),
        learning=learning,
        judging=judging,
        overhead_s=planning_s + page_s + (rates.start_s() if nights else 0.0),
        page_bytes=(figures.page.night_bytes + layers * figures.page.layer_bytes)
        if nights
        else 0.0,
        scratch_bytes=rates.scratch(nights),
        memory_bytes=rates.memory(nights),
        workers=means.workers,
        watts=watts,
        watts_from=watts_from,
        grams_per_kwh=means.grams_per_kwh,
        ordinary=rates.ordinary(typical),
        looked_at=max((n.judge.looked_at for n in nights), default=0),
    )


def _layers(
    watch: Watch, nights: Sequence[Night], known: Experience, figures: Figures
) -> float:
    """Layers on the last map: those of the newest nights with tiles."""
    each = len(watch.pipeline.map.indices) + figures.page.hazards
    shown = watch.pipeline.map.nights
    own = [len(n.plan.tasks) for n in nights if n.plan.tasks][-shown:]
    older = min(known.shown, shown - len(own))
    mean = sum(own) / len(own) if own else 0.0
    return each * (sum(own) + older * mean)


def _watts(figures: Figures, means: Means) -> tuple[float, str]:
    machines = max(1.0, means.workers / figures.machine.cores)
    if means.watts is not None:
        return means.watts, "given"
    if figures.watts is not None:
        return figures.watts * machines, "measured"
    return figures.machine.watts(means.watts_per_core) * machines, "assumed"

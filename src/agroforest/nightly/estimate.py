"""What nights will take, before anything runs: time, bytes, disk, electricity.

Pure: plans, surveys and figures in, an estimate out.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import date

from agroforest.nightly.experience import Experience
from agroforest.nightly.figures import Figures, OpeningFigures, TaskFigures
from agroforest.nightly.machine import GUANGXI_G_PER_KWH
from agroforest.nightly.plan import Plan, Watch
from agroforest.nightly.survey import Survey, pixels

#: Estimates are tested to lie within this factor of what a real run takes.
FACTOR = 1.5
_KWH = 3.6e6  # joules
# Bytes of a clear pixel of a scene in the scratch file of `nightly.history`.
_WAITING = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What the work is done with.

    Attributes
    ----------
    workers
        Processes that work at the same time, on machines like this one.
    watts
        Power while they work; ``None`` for what was measured or is assumed.
    grams_per_kwh
        CO2 of the grid.
    """

    workers: int
    watts: float | None = None
    grams_per_kwh: float = GUANGXI_G_PER_KWH


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a piece of work takes.

    Attributes
    ----------
    tasks, scenes
        Tasks, and scenes they take in; a scene counts for every tile it covers.
    wall_s, cpu_s
        Seconds until it is done, and of all processors together.
    read_bytes, remote_files
        Bytes read from files of this machine, and files read over the network, of
        which no bytes are known.
    files, output_bytes
        Maps and their items.
    state_bytes
        By how much states grow.
    state_read_bytes
        Bytes of states that are read before they change.
    written_bytes
        Bytes that go to the disk; most replace older ones.
    """

    tasks: int = 0
    scenes: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    read_bytes: float = 0.0
    remote_files: float = 0.0
    files: float = 0.0
    output_bytes: float = 0.0
    state_bytes: float = 0.0
    state_read_bytes: float = 0.0
    written_bytes: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Cost(**dict(zip(_FIELDS, (a + b for a, b in pairs), strict=True)))


_FIELDS = tuple(f.name for f in fields(Cost))


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """One night with work, and what its tasks have to do.

    Attributes
    ----------
    plan
        Its tasks.
    learn, judge
        Surveys of its baselines and its tasks.
    """

    plan: Plan = field(repr=False)
    learn: Survey
    judge: Survey


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
    rates = _Rates(watch, figures, known, means)
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


class _Rates:
    """Figures, corrected, for a pipeline and some workers."""

    def __init__(
        self, watch: Watch, figures: Figures, known: Experience, means: Means
    ) -> None:
        self._watch = watch
        self._ring = watch.pipeline.baseline.ring
        self._figures = figures
        self._known = known
        self._means = means
        self._cores = max(figures.machine.cores, means.workers)

    def start_s(self) -> float:
        """Seconds until this process and its workers are ready."""
        start_s, first_s = self._figures.start_s, self._figures.first_s
        if len(self._watch.tiles) == 1:
            return start_s + first_s  # a single tile is worked on in this process
        return start_s + (start_s + first_s)

    def learn(self, night: Night, filled: dict[str, float]) -> Cost:
        """Cost of a night's baselines; notes in `filled` what states then hold."""
        figures, survey = self._figures, night.learn
        cost = self._run(figures.baseline, survey, self._known.baseline)
        grown = 0.0
        for task, load in zip(night.plan.baselines, survey.loads, strict=True):
            slots = min(self._ring, load.scenes * figures.clear)
            filled[task.tile.id] = slots
            if load.scenes:
                grown += figures.state.at(load.forest_mpx, slots)
        return replace(cost, state_bytes=grown, written_bytes=grown)

    def judge(self, night: Night, filled: dict[str, float]) -> Cost:
        """Cost of a night's tiles; as `learn`."""
        figures, survey = self._figures, night.judge
        new = {task.tile.id for task in night.plan.baselines}
        firsts = [
            figures.opening if task.tile.id in new else None
            for task in night.plan.tasks
        ]
        cost = self._run(figures.night, survey, self._known.night, firsts)
        before = after = 0.0
        for task, load in zip(night.plan.tasks, survey.loads, strict=True):
            # Of a season that was known before, the ring is taken as full.
            slots = filled.get(task.tile.id, self._ring)
            more = min(self._ring, slots + load.scenes * figures.clear)
            filled[task.tile.id] = more
            before += figures.state.at(load.forest_mpx, slots)
            after += figures.state.at(load.forest_mpx, more)
        output = cost.output_bytes * self._known.output
        return replace(
            cost,
            output_bytes=output,
            state_bytes=after - before,
            state_read_bytes=before,
            written_bytes=after + output,
        )

    def ordinary(self, typical: Night | None) -> Cost | None:
        """Cost of one scene on every tile, if it is on average as on some."""
        if typical is None or not typical.judge.loads:
            return None
        some = self.judge(typical, {})
        looked_at = sum(load.mpx for load in typical.judge.loads)
        share = sum(pixels(t.grid) for t in self._watch.tiles) / 1e6 / looked_at
        parts = (value * share for value in astuple(some))
        whole = Cost(**dict(zip(_FIELDS, parts, strict=True)))
        tiles = len(self._watch.tiles)
        # Few tiles keep few workers busy; many keep all.
        busy = min(self._means.workers, tiles) / min(
            self._means.workers, len(typical.judge.loads)
        )
        return replace(
            whole, tasks=tiles, scenes=tiles, wall_s=whole.wall_s / max(1.0, busy)
        )

    def memory(self, nights: Sequence[Night]) -> float:
        """Peak of a worker, bytes."""
        peaks = [
            task.memory_bytes.at(load)
            for night in nights
            for task, survey in (
                (self._figures.baseline, night.learn),
                (self._figures.night, night.judge),
            )
            for load in survey.loads
        ]
        return max(peaks, default=0.0)

    def scratch(self, nights: Sequence[Night]) -> float:
        """Bytes of the history that waits to be learned from, on all workers."""
        sizes = [
            1e6 * load.forest_mpx * load.scenes * self._figures.clear * _WAITING
            for night in nights
            for load in night.learn.loads
        ]
        return sum(sorted(sizes)[-self._means.workers :])

    def _run(
        self,
        figures: TaskFigures,
        survey: Survey,
        factor: float,
        firsts: Sequence[OpeningFigures | None] = (),
    ) -> Cost:
        loads = survey.loads
        walls = [factor * figures.wall_s.at(load) for load in loads]
        cpus = [factor * figures.cpu_s.at(load) for load in loads]
        for n, first in enumerate(firsts):
            if first is not None:
                pixels_only = replace(loads[n], scenes=0)
                walls[n] += factor * first.wall_s.at(pixels_only)
                cpus[n] += factor * first.cpu_s.at(pixels_only)
        cpu_s = sum(cpus)
        return Cost(
            tasks=len(loads),
            scenes=round(sum(load.scenes for load in loads)),
            # Threads of tasks that run together share the processors.
            wall_s=max(longest(walls, self._means.workers), cpu_s / self._cores),
            cpu_s=cpu_s,
            read_bytes=survey.volume.expected(self._figures.seen),
            remote_files=survey.volume.remote,
            files=sum(figures.files.at(load) for load in loads),
            output_bytes=sum(figures.output_bytes.at(load) for load in loads),
        )


def longest(seconds: Iterable[float], workers: int) -> float:
    """Seconds until all tasks are done, the longest first to whoever is free.

    No order of tasks takes less than 3/4 of it (Graham 1969).
    """
    busy = [0.0] * max(1, workers)
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy)


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
    return figures.machine.watts * machines, "assumed"

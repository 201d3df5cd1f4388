"""What tasks take, by the figures of a rehearsal and with some workers."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields, replace

from agroforest.nightly.outlook.experience import Experience
from agroforest.nightly.outlook.figures import Figures, OpeningFigures, TaskFigures
from agroforest.nightly.outlook.survey import Survey, pixels
from agroforest.nightly.plan import Plan, Watch
from agroforest.nightly.power.factors import GUANGXI_G_PER_KWH
from agroforest.nightly.power.watts import WATTS_PER_CORE

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
    watts_per_core
        Power of a core, where neither is known.
    grams_per_kwh
        CO2 of the grid.
    """

    workers: int
    watts: float | None = None
    watts_per_core: float = WATTS_PER_CORE
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


class Rates:
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

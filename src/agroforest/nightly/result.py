"""What a task sends back: values and paths, never pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from agroforest.core.alert import Observation, Revisit
from agroforest.core.errors import AgroforestError
from agroforest.nightly.attempts import Fault
from agroforest.nightly.plan import TaskKind
from agroforest.nightly.year import YearlyOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An input that could not be used, in the three parts of its error.

    Attributes
    ----------
    where, problem, remedy
        See `AgroforestError`.
    scene
        Content of the scene that it is of, and what that is known by in quarantine,
        until its files are mended; the second is ``None`` where its storage did not
        deliver it, which the next night tries again. ``None`` where it is of none.
    """

    where: str
    problem: str
    remedy: str
    scene: tuple[str, str | None] | None = None

    @property
    def passes(self) -> bool:
        """Whether the next night tries again, with nothing mended by anybody."""
        return self.scene is not None and self.scene[1] is None

    @classmethod
    def of(
        cls, error: AgroforestError, scene: tuple[str, str | None] | None = None
    ) -> "Refusal":
        """From an error."""
        return cls(
            where=error.where, problem=error.problem, remedy=error.remedy, scene=scene
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DaySummary:
    """What one day's scenes brought to a tile.

    Attributes
    ----------
    day
        UTC day of the scenes.
    scenes
        Their ids.
    usable
        Share of the tile's pixels that were usable, 0..1.
    """

    day: date
    scenes: tuple[str, ...]
    usable: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskResult:
    """How a task ended.

    Attributes
    ----------
    id, kind, tile, state, night
        Of the task.
    error
        ``None`` when it is done, otherwise why it is not, in one line.
    fault
        What kind of failure that is.
    deaths
        Workers that died of it.
    fence
        Of the worker's lease of the tile; ``None`` where it never had one.
    taken
        Content ids of the scenes that are dealt with: read, or put into
        quarantine. Others are tried again.
    days
        What each day brought, in order.
    outputs
        SHA-256 of the files written, by path relative to the work folder.
    observations, revisits
        For the life of the alerts.
    refused
        Inputs put into quarantine, or not read tonight.
    last_clear
        Newest day with a usable forest pixel, if there is one.
    model
        Name of what judged; ``None`` for a baseline.
    thresholds
        Probability that counts as detected, by hazard.
    yearly
        What a yearly task found.
    seconds
        Wall time on the worker.
    cpu_seconds
        Processor time of the worker meanwhile.
    bytes_read
        Of scenes, compressed as they came.
    saved
        What was not done, by why; see `agroforest.nightly.power.saved`.
    """

    id: str
    kind: TaskKind
    tile: str
    state: str
    night: date
    error: str | None = None
    fault: Fault | None = None
    deaths: int = 0
    fence: int | None = None
    taken: tuple[str, ...] = ()
    days: tuple[DaySummary, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()
    revisits: tuple[Revisit, ...] = ()
    refused: tuple[Refusal, ...] = ()
    last_clear: date | None = None
    model: str | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    yearly: YearlyOutcome | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes_read: int = 0
    saved: Mapping[str, float] = field(default_factory=dict)

    def patch(self, **changes: object) -> "TaskResult":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def done(self) -> bool:
        """Whether the task did all it had to."""
        return self.error is None

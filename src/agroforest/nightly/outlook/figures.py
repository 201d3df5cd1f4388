"""What work costs on this machine: laws fitted to measured runs, kept as JSON."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy.optimize import nnls

from agroforest.core.files import write_text
from agroforest.nightly.outlook.machine import Machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How much a task has to do.

    Attributes
    ----------
    scenes
        Scenes to take in.
    mpx
        Pixels of the tile's grid, millions.
    forest_mpx
        Those of them that are forest.
    """

    scenes: float
    mpx: float
    forest_mpx: float = 0.0

    def terms(self) -> tuple[float, ...]:
        """Return what costs are proportional to."""
        return (
            1.0,
            self.scenes,
            self.mpx,
            self.scenes * self.mpx,
            self.forest_mpx,
            self.scenes * self.forest_mpx,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Law:
    """A cost as a sum of parts that grow with the load.

    Attributes
    ----------
    task
        Of any task.
    scene
        Of each scene, whatever the tile's size: opening files, writing them.
    mpx
        Of each million pixels, whatever the scenes: maps of risk.
    scene_mpx
        Of each million pixels of each scene: reading, maps of indices.
    forest_mpx
        Of each million pixels of forest: judging.
    scene_forest_mpx
        Of each million pixels of forest of each scene: seasons.
    """

    task: float = 0.0
    scene: float = 0.0
    mpx: float = 0.0
    scene_mpx: float = 0.0
    forest_mpx: float = 0.0
    scene_forest_mpx: float = 0.0

    def at(self, load: Load) -> float:
        """Cost of a load."""
        return float(np.dot(astuple(self), load.terms()))

    @classmethod
    def fit(cls, loads: Sequence[Load], costs: Sequence[float]) -> "Law":
        """Fit to measured costs, none of the parts negative.

        Errors count in relation to the cost (small runs say as much as large
        ones), by non-negative least squares (Lawson & Hanson 1974).
        """
        terms = np.array([load.terms() for load in loads])
        values = np.asarray(costs, dtype=np.float64)
        weight = 1.0 / np.maximum(values, 1e-3 * max(float(values.max()), 1e-9))
        parts, _ = nnls(terms * weight[:, None], values * weight)
        names = (f.name for f in fields(cls))
        return cls(**dict(zip(names, map(float, parts), strict=True)))


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFigures:
    """What tasks of one kind cost.

    Attributes
    ----------
    wall_s, cpu_s
        Seconds of a task that runs alone, and processor seconds of all its threads.
    output_bytes, files
        Of the maps and their items.
    memory_bytes
        Peak of the worker process; 0 where the system does not tell.
    """

    wall_s: Law
    cpu_s: Law
    output_bytes: Law
    files: Law
    memory_bytes: Law


@dataclass(frozen=True, kw_only=True, slots=True)
class OpeningFigures:
    """Seconds that the first night of a tile takes more; see `TaskFigures`."""

    wall_s: Law
    cpu_s: Law


@dataclass(frozen=True, kw_only=True, slots=True)
class StateFigures:
    """Bytes of a tile's state on disk; nothing is remembered of other than forest.

    Attributes
    ----------
    task
        Of any tile.
    pixel
        Of a pixel whose season is known.
    slot
        Of each clear observation that a pixel remembers.
    """

    task: float
    pixel: float
    slot: float

    def at(self, forest_mpx: float, slots: float) -> float:
        """Bytes for so many million pixels of forest, `slots` remembered for each."""
        return self.task + 1e6 * forest_mpx * (self.pixel + self.slot * slots)

    @classmethod
    def fit(
        cls, modelled: Sequence[int], filled: Sequence[int], size: Sequence[int]
    ) -> "StateFigures":
        """Fit to measured states; see `Law.fit`.

        Parameters
        ----------
        modelled
            Pixels whose season is known.
        filled
            Observations remembered, of all pixels.
        size
            Bytes.
        """
        terms = np.column_stack([np.ones(len(size)), modelled, filled])
        weight = 1.0 / np.asarray(size, dtype=np.float64)
        parts, _ = nnls(terms * weight[:, None], np.ones(len(size)))
        return cls(task=float(parts[0]), pixel=float(parts[1]), slot=float(parts[2]))


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFigures:
    """What closing a night costs: ledger, report and map.

    Attributes
    ----------
    night_s, layer_s
        Seconds of any night, and of a megapixel of a layer of the map.
    night_bytes, layer_bytes
        Bytes of the same.
    hazards
        Layers of risk.
    """

    night_s: float
    layer_s: float
    night_bytes: float
    layer_bytes: float
    hazards: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Everything that was measured in one rehearsal.

    Attributes
    ----------
    measured
        When, UTC.
    machine
        Where.
    settings
        Digest of the settings that change what a task costs.
    scenes
        How many scenes the rehearsal took.
    own
        Whether they were the pipeline's own, and not made up.
    took_s
        Seconds the rehearsal took.
    start_s
        Seconds until a process has loaded what it needs.
    first_s
        Seconds by which its first tasks take longer than the others.
    baseline, night
        Tasks.
    opening
        What a tile's first night takes more than others: all of it is judged.
    state
        Their states.
    page
        The end of a night.
    clear
        Share of a tile's pixels that a scene shows clearly, 0..1.
    seen
        Share of scenes that show any of a tile clearly, 0..1; of the others only
        the mask is read.
    load
        Processes that wanted to run when the rehearsal began, the last minute's
        mean; seconds that were measured on a busy machine are too many.
    watts
        Power of the processor while it worked, as it counted itself; ``None``
        where it cannot be read.
    """

    measured: datetime
    machine: Machine
    settings: str
    scenes: int
    own: bool
    took_s: float
    start_s: float
    first_s: float
    baseline: TaskFigures
    night: TaskFigures
    opening: OpeningFigures
    state: StateFigures
    page: PageFigures
    clear: float
    seen: float
    load: float
    watts: float | None = None


_FORMAT = TypeAdapter(Figures)


def save_figures(path: Path, figures: Figures) -> None:
    """Write figures as JSON, in one step."""
    write_text(path, _FORMAT.dump_json(figures, indent=1).decode() + "\n")


def load_figures(path: Path, *, machine: Machine, settings: str) -> Figures | None:
    """Read figures; ``None`` if there are none that hold here and now.

    A file that is damaged or of another release is no error: measuring again
    takes half a minute.
    """
    try:
        figures = _FORMAT.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return (
        figures if (figures.machine, figures.settings) == (machine, settings) else None
    )

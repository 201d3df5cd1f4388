"""What the baseline remembers of a tile, and what it says about it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid
from agroforest.indices.season import SIGNALS

#: Clear dates a pixel needs for a model (four more than a six-parameter model
#: of fordead's; the guidance of the field is "at least ten").
MIN_CLEAR = 10
#: Days they must span: three seasons. Arbitrary.
MIN_SPAN = 270


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SceneLog:
    """Which scenes a tile has taken, and what each did to its whole forest.

    Attributes
    ----------
    scene_day
        ``(n,)`` int32, rising: days with at least one usable pixel.
    scene_median
        ``(n, 7)`` float32: residual that the undamaged forest shared that day.
    scenes
        Ids of all scenes taken.
    """

    scene_day: NDArray[np.int32]
    scene_median: NDArray[np.float32]
    scenes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        days: NDArray[np.int32],
        medians: Mapping[int, Sequence[float]],
        scenes: tuple[str, ...],
    ) -> "SceneLog":
        """Log of a history; nothing was shared on days without a median."""
        nothing = [0.0] * len(SIGNALS)
        rows = [medians.get(day, nothing) for day in days.tolist()]
        return cls(
            scene_day=days,
            scene_median=np.array(rows, np.float32).reshape(-1, len(SIGNALS)),
            scenes=scenes,
        )

    def pass_over(self, scene_id: str) -> "SceneLog":
        """Remember a scene that saw nothing."""
        return replace(self, scenes=(*self.scenes, scene_id))

    def add(self, scene_id: str, day: int, median: NDArray[np.floating]) -> "SceneLog":
        """Remember a scene; it speaks for its day from now on."""
        others = self.scene_day != day
        at = int(np.searchsorted(self.scene_day[others], day))
        return SceneLog(
            scene_day=np.insert(self.scene_day[others], at, day),
            scene_median=np.insert(self.scene_median[others], at, median, axis=0),
            scenes=(*self.scenes, scene_id),
        )

    def attributes(self) -> dict[str, object]:
        """As plain values: `from_attributes` restores them exactly."""
        return {
            "scene_day": self.scene_day.tolist(),
            "scene_median": self.scene_median.tolist(),
            "scenes": list(self.scenes),
        }

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, object]) -> "SceneLog":
        """Inverse of `attributes`.

        Raises
        ------
        DataError
            If one is missing.
        """
        with _complete():
            median = np.asarray(attributes["scene_median"], dtype=np.float32)
            return cls(
                scene_day=np.asarray(attributes["scene_day"], dtype=np.int32),
                scene_median=median.reshape(-1, len(SIGNALS)),
                scenes=tuple(attributes["scenes"]),  # type: ignore[arg-type]
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BaselineState:
    """Everything the next night needs of all nights before.

    Attributes
    ----------
    grid
        Of the arrays.
    coefficients
        ``(7 signals, 5, y, x)`` int16, x 10000; -32768 without a model.
    spread
        ``(7, y, x)`` int16, x 10000: robust standard deviation of the residuals;
        -32768 without a model.
    model_from
        ``(y, x)`` int32, first day (since 1970-01-01) the model may judge: the
        day after the last date it was fitted on; 0 without a model.
    clear_count
        ``(y, x)`` int16, clear dates behind the model.
    cut_day
        ``(y, x)`` int32, first bare date of the latest cut, 0 for none. While
        ``model_from <= cut_day`` the old model stays, and the pixel waits for
        enough dates for a new one.
    ring_day
        ``(slot, y, x)`` int32, rising; empty slots (0) come first, so the last
        slot is the pixel's last clear date.
    ring
        ``(slot, 6 bands, y, x)`` int16 reflectance x 10000; -32768 missing.
    scene_day
        ``(n,)`` int32, rising: days with at least one usable pixel.
    scene_median
        ``(n, 7)`` float32: residual that the undamaged forest shared that day.
    scenes
        Ids of all scenes taken.
    """

    grid: Grid
    coefficients: NDArray[np.int16]
    spread: NDArray[np.int16]
    model_from: NDArray[np.int32]
    clear_count: NDArray[np.int16]
    cut_day: NDArray[np.int32]
    ring_day: NDArray[np.int32]
    ring: NDArray[np.int16]
    scene_day: NDArray[np.int32]
    scene_median: NDArray[np.float32]
    scenes: tuple[str, ...]

    def patch(self, **changes: object) -> "BaselineState":
        """Copy with some fields changed; the others are shared, not copied."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def arrays(self) -> dict[str, NDArray[np.int16] | NDArray[np.int32]]:
        """Return the arrays on the grid, by field name; all end in ``(y, x)``."""
        return {name: getattr(self, name) for name in GRIDDED}

    def attributes(self) -> dict[str, object]:
        """Everything else, as plain values: `from_saved` restores it exactly."""
        return {**grid_attributes(self.grid), **self.log.attributes()}

    @classmethod
    def from_saved(
        cls, arrays: Mapping[str, NDArray[np.generic]], attributes: Mapping[str, object]
    ) -> "BaselineState":
        """Inverse of `arrays` and `attributes`.

        Raises
        ------
        DataError
            If a field is missing.
        """
        log = SceneLog.from_attributes(attributes)
        return cls.assemble(saved_grid(attributes), arrays, log)

    @classmethod
    def assemble(
        cls, grid: Grid, arrays: Mapping[str, NDArray[np.generic]], log: SceneLog
    ) -> "BaselineState":
        """State of a tile, or of a part of it, from its pieces.

        Raises
        ------
        DataError
            If an array is missing.
        """
        with _complete():
            return cls(
                grid=grid,
                **{name: arrays[name] for name in GRIDDED},  # type: ignore[arg-type]
                scene_day=log.scene_day,
                scene_median=log.scene_median,
                scenes=log.scenes,
            )

    @property
    def log(self) -> SceneLog:
        """The scenes taken."""
        return SceneLog(
            scene_day=self.scene_day,
            scene_median=self.scene_median,
            scenes=self.scenes,
        )

    def with_log(self, log: SceneLog) -> "BaselineState":
        """Copy that has taken other scenes."""
        return self.patch(
            scene_day=log.scene_day,
            scene_median=log.scene_median,
            scenes=log.scenes,
        )

    def window(self, rows: slice, columns: slice) -> "BaselineState":
        """Return part of the grid as views, for work in bounded memory."""
        cut = {k: v[..., rows, columns] for k, v in self.arrays().items()}
        return self.patch(grid=find_part(self.grid, rows, columns), **cut)

    @property
    def has_model(self) -> NDArray[np.bool_]:
        """``(y, x)``; True where a season is known."""
        return self.model_from > 0

    @property
    def awaits_model(self) -> NDArray[np.bool_]:
        """``(y, x)``; True where a season must still be learned or, cut, relearned."""
        return self.model_from <= self.cut_day


#: Names of the arrays on the grid.
GRIDDED = (
    "coefficients",
    "spread",
    "model_from",
    "clear_count",
    "cut_day",
    "ring_day",
    "ring",
)
_GRID_FIELDS = ("crs", "left", "top", "resolution", "width", "height")


@contextmanager
def _complete() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise DataError(
            "baseline state", f"no {error.args[0]!r}", "fit the baseline again"
        ) from None


def find_days(day: NDArray[np.int32]) -> NDArray[np.intp]:
    """Distinct days in an array of days since 1970-01-01, rising; 0 is none."""
    return np.nonzero(np.bincount(day.ravel())[1:])[0] + 1


def find_part(grid: Grid, rows: slice, columns: slice) -> Grid:
    """Grid of some rows and columns."""
    top, bottom, _ = rows.indices(grid.height)
    left, right, _ = columns.indices(grid.width)
    return grid.patch(
        left=grid.left + left * grid.resolution,
        top=grid.top - top * grid.resolution,
        width=right - left,
        height=bottom - top,
    )


def grid_attributes(grid: Grid) -> dict[str, object]:
    """Return a grid as plain values: `saved_grid` restores it."""
    return {name: getattr(grid, name) for name in _GRID_FIELDS}


def saved_grid(attributes: Mapping[str, object]) -> Grid:
    """Grid of a state whose attributes were saved.

    Raises
    ------
    DataError
        If a field is missing.
    """
    with _complete():
        return Grid(**{k: attributes[k] for k in _GRID_FIELDS})  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Residuals:
    """How far the ring's observations lie from the pixel's own season.

    Attributes
    ----------
    day
        ``(slot, y, x)`` int32 days since 1970-01-01, rising, 0 empty (first).
    value
        ``(slot, 7, y, x)`` float32, reflectance (CRSWIR: ratio), corrected by the
        scene median; NaN without model or observation, and for observations
        before the cut after which the model was fitted.
    z
        `value` divided by the pixel's own spread.
    judged
        ``(slot, y, x)`` bool; True from `BaselineState.model_from` on, False for
        the history on which the model was fitted.
    """

    day: NDArray[np.int32]
    value: NDArray[np.float32]
    z: NDArray[np.float32]
    judged: NDArray[np.bool_]

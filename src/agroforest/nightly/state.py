"""A tile's state during one task: scenes taken in and risk judged, chunk by chunk.

Only the chunks that a scene saw clearly are read and written, and no more than
one is in memory. What was judged of a chunk is kept beside its seasons, and
stands as long as nothing that it depends on has changed: the chunk itself, the
forest, who judges, what the whole forest shared on the days of its observations,
and, where a cut or a season begins, the night.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.core.risk import CANOPY_HAZARDS, EPOCH, RiskMap, epoch_day
from agroforest.indices import reference
from agroforest.indices.baseline import Take
from agroforest.indices.season import COEFFICIENTS, SIGNALS
from agroforest.indices.state import (
    GRIDDED,
    BaselineState,
    SceneLog,
    find_days,
    find_part,
    grid_attributes,
    saved_grid,
)
from agroforest.indices.update import absorb, can_refer, find_clear, find_median
from agroforest.nightly.forest import ARRAY
from agroforest.nightly.standing import Ground, Question, Standing
from agroforest.risk import predict
from agroforest.risk.tile import blank_maps, find_standing
from agroforest.store.chunks import Chunk
from agroforest.store.reader import Digests
from agroforest.store.state import StateUpdate

#: Attribute that holds, by chunk, on what its judgement stands.
JUDGED = "judged"
# Arrays beside the seasons, ``(2 hazards, y, x)``: what `predict` said.
_FINDING = ("probability", "since", "evidence")
# `absorb` overwrites these; of the others it makes new ones where they change.
_OVERWRITTEN = ("ring", "ring_day")

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sight:
    """A scene whose clear pixels are still to be put into the chunks named."""

    day: int
    bands: NDArray[np.floating] = field(repr=False)
    clear: NDArray[np.bool_] = field(repr=False)
    chunks: dict[str, Chunk]


class TileState:
    """A tile's state, taking scenes in and judging.

    Parameters
    ----------
    update
        The stored state, or a new one whose seasons have been written.
    grid
        Of the tile.
    log
        Scenes taken before.
    forest
        ``(y, x)`` bool. Nothing is remembered of other pixels.
    min_clear
        Clear dates that a model needs.
    """

    def __init__(
        self,
        update: StateUpdate,
        *,
        grid: Grid,
        log: SceneLog,
        forest: NDArray[np.bool_],
        min_clear: int,
    ) -> None:
        self._update = update
        self._grid = grid
        self._log = log
        self._forest = forest
        self._min_clear = min_clear
        self._sight: _Sight | None = None
        self._seen: dict[str, NDArray[np.bool_]] = {}
        saved = update.stored.attributes.get(JUDGED, {}) if update.stored else {}
        self._before = {k: Standing.from_plain(v) for k, v in saved.items()}
        self._judged: dict[str, Standing] = {}

    @classmethod
    def open(cls, update: StateUpdate, *, min_clear: int) -> "TileState":
        """Go on with a stored state, and the forest kept in it."""
        attributes = update.stored.attributes if update.stored else {}
        grid = saved_grid(attributes)
        forest = np.empty(grid.shape, dtype=np.bool_)
        for chunk in update.chunks:
            forest[chunk.window] = update.read(chunk, [ARRAY])[ARRAY]
        return cls(
            update,
            grid=grid,
            log=SceneLog.from_attributes(attributes),
            forest=forest,
            min_clear=min_clear,
        )

    @property
    def last_clear(self) -> date | None:
        """Newest day with a clear forest pixel."""
        days = self._log.scene_day
        return EPOCH + timedelta(days=int(days[-1])) if days.size else None

    def take(self, take: Take) -> None:
        """Take a scene in; one that was taken before changes nothing.

        Raises
        ------
        DataError
            If it is not on the grid of the tile, or the state is damaged.
        """
        day, bands, usable, scene_id = take
        if scene_id in self._log.scenes:
            return
        self._settle()
        clear = find_clear(
            bands, usable & self._forest, grid=self._grid, where=scene_id
        )
        touched = [c for c in self._update.chunks if clear[c.window].any()]
        if not touched:
            self._log = self._log.pass_over(scene_id)
            return
        median = self._find_median(day, bands, clear, touched)
        self._log = self._log.add(scene_id, day, median)
        self._sight = _Sight(
            day=day, bands=bands, clear=clear, chunks={c.key: c for c in touched}
        )
        for chunk in touched:
            seen = self._seen.get(chunk.key, False)
            self._seen[chunk.key] = seen | clear[chunk.window]

    def judge(self, question: Question) -> tuple[RiskMap, RiskMap]:
        """Say what the tile shows; pixels without news keep what was said of them.

        Returns
        -------
        tuple of RiskMap
            What `predict` would say of the whole state.
        """
        maps = blank_maps(
            self._grid,
            night=question.night,
            tile=question.tile,
            model=question.model,
            threshold=question.threshold,
        )
        for chunk in self._update.chunks:
            found = self._judge(chunk, question)
            for hazard, risk in enumerate(maps):
                for name in _FINDING:
                    getattr(risk, name)[chunk.window] = found[name][hazard]
        self._sight = None
        return maps

    def commit(self) -> int:
        """Save everything in one step; returns the number of chunks written."""
        self._settle()
        return self._update.commit(
            {
                **grid_attributes(self._grid),
                **self._log.attributes(),
                JUDGED: {key: s.plain() for key, s in self._judged.items()},
            }
        )

    def _find_median(
        self,
        day: int,
        bands: NDArray[np.floating],
        clear: NDArray[np.bool_],
        touched: list[Chunk],
    ) -> NDArray[np.float32]:
        """Ask the same sample as `update` does of a whole tile.

        Its pixels are clear ones, so the chunks that the scene touches hold them.
        """
        asked = np.zeros(self._grid.shape, dtype=np.bool_)
        for chunk in touched:
            part = self._update.read(chunk, ["model_from", "cut_day"])
            asked[chunk.window] = clear[chunk.window] & can_refer(
                part["model_from"], part["cut_day"], day
            )
        rows, columns = reference.sample(asked)
        coefficients = np.empty((len(SIGNALS), COEFFICIENTS, rows.size), np.int16)
        spread = np.empty((len(SIGNALS), rows.size), np.int16)
        for chunk in touched:
            (top, bottom), (left, right) = ((s.start, s.stop) for s in chunk.window)
            here = (
                (top <= rows) & (rows < bottom) & (left <= columns) & (columns < right)
            )
            if here.any():
                part = self._update.read(chunk, ["coefficients", "spread"])
                at = rows[here] - top, columns[here] - left
                coefficients[..., here] = part["coefficients"][:, :, *at]
                spread[:, here] = part["spread"][:, *at]
        return find_median(day, bands[:, rows, columns], coefficients, spread)

    def _settle(self) -> None:
        """Put the last scene into all of its chunks."""
        for chunk in list(self._sight.chunks.values()) if self._sight else []:
            self._absorb(chunk)
        self._sight = None

    def _absorb(self, chunk: Chunk) -> BaselineState:
        """Read a chunk; where the last scene saw it, put the scene in and stage it."""
        part = BaselineState.assemble(
            find_part(self._grid, *chunk.window),
            self._update.read(chunk, GRIDDED),
            self._log,
        )
        sight = self._sight
        if sight is None or sight.chunks.pop(chunk.key, None) is None:
            return part
        # Contiguous, because another layout would be compiled for again.
        new = absorb(
            part,
            day=sight.day,
            bands=np.ascontiguousarray(sight.bands[(..., *chunk.window)]),
            clear=np.ascontiguousarray(sight.clear[chunk.window]),
            forest=self._forest[chunk.window],
            min_clear=self._min_clear,
        )
        old = part.arrays()
        changed = {
            name: array
            for name, array in new.arrays().items()
            if name in _OVERWRITTEN or array is not old[name]
        }
        self._update.write(chunk, changed)
        return new

    def _judge(self, chunk: Chunk, question: Question) -> Arrays:
        """Judge what may have changed of a chunk; keep the rest."""
        asked, seen = self._forest[chunk.window], self._seen.get(chunk.key)
        stored = self._update.stored
        before = self._before.get(chunk.key)
        if (
            before is not None
            and stored is not None
            and before.holds(question, self._ground(chunk, stored.digests))
        ):
            found = self._update.read(chunk, _FINDING)
            if seen is None:
                self._judged[chunk.key] = before
                return found
            asked = asked & seen
        else:
            found = _say_nothing(chunk)
        part = self._absorb(chunk)
        maps = predict(
            part,
            night=question.night,
            tile=question.tile,
            model=question.model,
            forest=asked,
            threshold=question.threshold,
        )
        for hazard, risk in enumerate(maps):
            for name in _FINDING:
                np.copyto(found[name][hazard], getattr(risk, name), where=asked)
        self._update.write(chunk, found)
        days = tuple(find_days(part.ring_day).tolist())
        ground = self._ground(chunk, self._update.digests)
        self._judged[chunk.key] = Standing(
            basis=ground.find_basis(question, days),
            days=days,
            nights=find_standing(part, epoch_day(question.night)),
        )
        return found

    def _ground(self, chunk: Chunk, digests: Digests) -> Ground:
        return Ground(
            digests=tuple(digests.get(n, {}).get(chunk.key, "") for n in GRIDDED),
            forest=self._forest[chunk.window],
            log=self._log,
        )


def _say_nothing(chunk: Chunk) -> Arrays:
    """Make findings of a chunk of which nothing is known."""
    shape = (len(CANOPY_HAZARDS), *chunk.shape)
    return {
        "probability": np.full(shape, np.nan, dtype=np.float32),
        "since": np.zeros(shape, dtype=np.int32),
        "evidence": np.zeros(shape, dtype=np.int32),
    }

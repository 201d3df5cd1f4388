"""On what the judgement of a part of a tile stands, and until when.

A judgement is worth keeping, because it costs more than all else a night does,
and safe to keep as long as nothing has changed that it depends on.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest import __version__
from agroforest.core.identity import digest
from agroforest.core.risk import epoch_day
from agroforest.indices.state import SceneLog
from agroforest.nightly.plan import ALGORITHM
from agroforest.risk import Model


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of every pixel tonight.

    Attributes
    ----------
    night
        As of when.
    tile
        Id of the tile.
    model
        Who judges; ``None`` for the published rule.
    threshold
        See `predict`.
    """

    night: date
    tile: str
    model: Model | None
    threshold: float | None

    def identity(self) -> str:
        """Digest of all that the answer depends on, but pixels and the night."""
        judge = "rule" if self.model is None else self.model.identity
        return digest(ALGORITHM, __version__, judge, self.threshold)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """On what the judgement of a chunk stands.

    Attributes
    ----------
    basis
        Digest of what it depends on.
    days
        Days of the chunk's observations.
    nights
        First night on which it stands, and the first after those on which it may
        not; epoch days.
    """

    basis: str
    days: tuple[int, ...]
    nights: tuple[int, int]

    def plain(self) -> dict[str, object]:
        """As plain values: `from_plain` restores it."""
        return {
            "basis": self.basis,
            "days": list(self.days),
            "nights": list(self.nights),
        }

    @classmethod
    def from_plain(cls, saved: Mapping[str, Any]) -> "Standing":
        """Inverse of `plain`."""
        first, after = saved["nights"]
        return cls(
            basis=saved["basis"], days=tuple(saved["days"]), nights=(first, after)
        )

    def holds(self, question: Question, ground: "Ground") -> bool:
        """Whether the same question would be answered in the same way."""
        first, after = self.nights
        if not first <= epoch_day(question.night) < after:
            return False
        return self.basis == ground.find_basis(question, self.days)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ground:
    """What a part of a tile brings to its judgement.

    Attributes
    ----------
    digests
        Of its seasons and rings.
    forest
        ``(y, x)`` bool.
    log
        Of the tile.
    """

    digests: tuple[str, ...]
    forest: NDArray[np.bool_]
    log: SceneLog

    def find_basis(self, question: Question, days: tuple[int, ...]) -> str:
        """Digest of all that a judgement depends on, but the night.

        What the whole forest shared matters on the days of observations only.
        """
        shared = np.isin(self.log.scene_day, days)
        return digest(
            question.identity(),
            self.digests,
            hashlib.sha256(np.packbits(self.forest).data).hexdigest(),
            self.log.scene_day[shared].tolist(),
            self.log.scene_median[shared].tobytes().hex(),
        )

"""What was found of a burned place, and the files it is kept in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.core.grid import Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class ScarFound:
    """One scar of an alert.

    Attributes
    ----------
    id
        From its pixels and the images: the same input gives the same id.
    alert
        Id of the alert.
    geometry
        Multipolygon, WGS 84.
    area_ha
        On the ellipsoid.
    probability
        Mean over its pixels, 0..1.
    verdict
        ``fire`` or ``harvest?``.
    verdict_zh, verdict_en
        In words.
    evidence
        What speaks for fire: ``hotspot``, ``char``, both or ``none``.
    before, after
        UTC days of the images; the first ``None`` where there was none.
    severity_ha
        Chinese and English name and area of each class of dNBR; empty without an
        image before.
    files
        SHA-256 by path relative to the folder of the scars.
    grid
        Of the rasters.
    """

    id: str
    alert: str
    geometry: BaseGeometry = field(repr=False)
    area_ha: float
    probability: float
    verdict: str
    verdict_zh: str
    verdict_en: str
    evidence: str
    before: date | None
    after: date
    severity_ha: tuple[tuple[str, str, float], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    grid: Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class ScarOutcome:
    """What came of looking for the scars of an alert.

    Attributes
    ----------
    alert
        Id of the alert.
    scars
        Largest first; empty where nothing burned, and while `waiting_en` is not.
    waiting_zh, waiting_en
        Why nothing was mapped yet, or never will be; empty once mapped.
    scenes
        Ids of the scenes after and, where there is one, before the fire.
    done
        Whether nothing more will come of calling again.
    files
        SHA-256 by path relative to the folder of the scars.
    refused
        Scenes that could not be read; the next ones were taken.
    notes
        For the user.
    """

    alert: str
    scars: tuple[ScarFound, ...] = ()
    waiting_zh: str = ""
    waiting_en: str = ""
    scenes: tuple[str, ...] = ()
    done: bool
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    refused: tuple[DataError, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ScarPictures:
    """What the map shows of a scar.

    Attributes
    ----------
    grid
        Around the scar.
    nbr_before, nbr_after
        ``(y, x)`` float32 normalised burn ratio, NaN where not seen; the first
        ``None`` without an image before.
    """

    grid: Grid
    nbr_before: NDArray[np.float32] | None
    nbr_after: NDArray[np.float32]


def read_scar(out: Path, scar: ScarFound) -> ScarPictures:
    """Read the pictures of a scar, cut to its surroundings."""
    raise NotImplementedError

"""What was found of a burned place, and the files it is kept in.

::

    <alert>/<content>-probability.tif    and .json, a STAC item, beside each
            <content>-severity.tif       only with an image before
            <content>-nbr-before.tif     likewise
            <content>-nbr-after.tif
            scars.geojson                written last: it names the others
            clouded.json                 scenes that need not be looked at again
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.identity import digest, digest_file
from agroforest.cube import read_cog
from agroforest.fire.scar_severity import WORDS
from agroforest.indices import decode
from agroforest.nightly.fire.scar_images import BurnedPlace

#: Member of ``scars.geojson`` that holds what is no scar's.
MEMBER = "agroforest"
#: Metres around a scar that its pictures show. Arbitrary.
_AROUND_M = 1000.0
_NAME = "scars.geojson"
_BEFORE, _AFTER = "nbr-before.tif", "nbr-after.tif"


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
        For the user, in Chinese and English.
    """

    alert: str
    scars: tuple[ScarFound, ...] = ()
    waiting_zh: str = ""
    waiting_en: str = ""
    scenes: tuple[str, ...] = ()
    done: bool
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    refused: tuple[DataError, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    def patch(self, **changes: object) -> "ScarOutcome":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What is kept of an alert.

    Attributes
    ----------
    content
        Digest of what it was made from.
    after
        UTC day of the image after the fire.
    outcome
        As it was told.
    """

    content: str
    after: date
    outcome: ScarOutcome


def folder_of(out: Path, alert: str) -> Path:
    """Folder of an alert.

    Raises
    ------
    ConfigurationError
        Its id would be another path.
    """
    if not alert or alert != Path(alert).name or alert.startswith("."):
        raise ConfigurationError(
            "alert", f"id {alert!r} names no folder", "use letters, digits, - and _"
        )
    return out / alert


def record_path(out: Path, alert: str) -> Path:
    """Where the record of an alert is kept."""
    return folder_of(out, alert) / _NAME


def read_record(out: Path, alert: str) -> Record | None:
    """Read what is kept of an alert; ``None`` unless it and its files are whole."""
    path = record_path(out, alert)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        record = _build_record(alert, document)
    except (OSError, KeyError, TypeError, ValueError, ShapelyError):
        return None  # of a run that was killed, or damaged: it is made again
    if not all((out / name).is_file() for name in record.outcome.files):
        return None
    files = {**record.outcome.files, f"{alert}/{_NAME}": digest_file(path)}
    scars = tuple(replace(scar, files=files) for scar in record.outcome.scars)
    return replace(record, outcome=record.outcome.patch(files=files, scars=scars))


def read_scar(out: Path, scar: ScarFound) -> ScarPictures:
    """Read the pictures of a scar, cut to its surroundings.

    Parameters
    ----------
    out
        Folder of the scars, as given to `map_scar`.
    scar
        Which.

    Raises
    ------
    DataError
        A file is missing or damaged.
    """
    found: dict[str, tuple[NDArray[np.float32], Grid]] = {}
    for name in (_BEFORE, _AFTER):
        paths = [path for path in scar.files if path.endswith(f"-{name}")]
        for path in paths:
            raster = read_cog(out / path)
            rows, columns, grid = _surroundings(scar.geometry, raster.grid)
            found[name] = decode(raster.array[rows, columns]), grid
    if _AFTER not in found:
        raise DataError(out / scar.alert, f"has no {_AFTER}", "map the scar again")
    after, grid = found[_AFTER]
    before = found[_BEFORE][0] if _BEFORE in found else None
    return ScarPictures(grid=grid, nbr_before=before, nbr_after=after)


def read_clouded(out: Path, place: BurnedPlace, dilate_m: float) -> dict[str, float]:
    """Share of the place that clouded scenes showed, by content; for `write_clouded`.

    Nothing is known of another outline.
    """
    try:
        text = _clouded_path(out, place).read_text(encoding="utf-8")
        kept = json.loads(text)
        if kept["of"] == _eye_key(place, dilate_m):
            return {str(name): float(share) for name, share in kept["seen"].items()}
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        pass  # it only saves time
    return {}


def write_clouded(
    out: Path, place: BurnedPlace, dilate_m: float, seen: Mapping[str, float]
) -> None:
    """Keep which scenes need not be looked at again, unless it is kept already."""
    if seen and seen != read_clouded(out, place, dilate_m):
        kept = {"of": _eye_key(place, dilate_m), "seen": dict(sorted(seen.items()))}
        write_text(_clouded_path(out, place), json.dumps(kept, indent=1) + "\n")


def _clouded_path(out: Path, place: BurnedPlace) -> Path:
    return folder_of(out, place.alert) / "clouded.json"


def _eye_key(place: BurnedPlace, dilate_m: float) -> str:
    return digest(place.outline.wkb_hex, dilate_m)


def _build_record(alert: str, document: Mapping[str, Any]) -> Record:
    told = document[MEMBER]
    if told["alert"] != alert:
        raise ValueError(told["alert"])
    after = date.fromisoformat(told["after"])
    before = date.fromisoformat(told["before"]) if told["before"] else None
    grid, files = Grid(**told["grid"]), dict(told["files"])
    scars = tuple(
        _build_scar(feature, alert, before, after, grid)
        for feature in document["features"]
    )
    return Record(
        content=told["content"],
        after=after,
        outcome=ScarOutcome(
            alert=alert,
            scars=scars,
            scenes=tuple(told["scenes"]),
            done=True,
            files=files,
            notes=tuple((zh, en) for zh, en in told["notes"]),
        ),
    )


def _build_scar(
    feature: Mapping[str, Any],
    alert: str,
    before: date | None,
    after: date,
    grid: Grid,
) -> ScarFound:
    row = feature["properties"]
    severity = (
        (words.zh, words.en, row[f"{words.en.replace('-', '_')}_ha"])
        for words in WORDS.values()
    )
    return ScarFound(
        id=row["id"],
        alert=alert,
        geometry=shape(feature["geometry"]),
        area_ha=row["area_ha"],
        probability=row["probability"],
        verdict=row["verdict"],
        verdict_zh=row["verdict_zh"],
        verdict_en=row["verdict_en"],
        evidence=row["evidence"],
        before=before,
        after=after,
        severity_ha=tuple(one for one in severity if one[2] is not None),
        grid=grid,
    )


def _surroundings(scar: BaseGeometry, whole: Grid) -> tuple[slice, slice, Grid]:
    """Rows and columns around a scar, and their grid."""
    left, bottom, right, top = reproject(scar, WGS84, whole.crs).bounds
    step = whole.resolution

    def span(first: float, last: float, size: int) -> slice:
        start = max(int((first - _AROUND_M) // step), 0)
        return slice(start, min(-int(-(last + _AROUND_M) // step), size))

    rows = span(whole.top - top, whole.top - bottom, whole.height)
    columns = span(left - whole.left, right - whole.left, whole.width)
    part = whole.patch(
        left=whole.left + columns.start * step,
        top=whole.top - rows.start * step,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )
    return rows, columns, part

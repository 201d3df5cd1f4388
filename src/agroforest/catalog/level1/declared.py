"""Bands without a product around them: a TOML or JSON file says what they are.

::

    level = "top of atmosphere"
    satellite = "sentinel-2a"
    sensed = 2024-03-01T03:05:41Z
    sun_elevation = 48.2     # degrees
    sun_corrected = true     # false: divided by the sine of the elevation here
    scale = 0.0001           # reflectance = number * scale + offset
    offset = -0.1
    nodata = 0               # optional, as are saturated, cloud_cover and stack
    saturated = 65535
    [bands]
    B01 = "coastal.tif"      # and so on; with stack = "all.tif": B01 = 1

Nothing is guessed: what is missing is asked for.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from agroforest.catalog.level1.landsat import correct_for_sun
from agroforest.catalog.level1.record import (
    BANDS,
    Described,
    Level1Scene,
    find_bands,
    find_satellite,
)
from agroforest.catalog.product import norm_instant, norm_percent
from agroforest.catalog.scaling import Scaling
from agroforest.core.errors import DataError

#: Names of such a file in a folder of bands.
NAMES = ("toa.toml", "toa.json")
_LEVEL = "top of atmosphere"
_NEEDED = (
    *("level", "satellite", "sensed", "sun_elevation", "sun_corrected"),
    *("scale", "offset", "bands"),
)
_OPTIONAL = ("nodata", "saturated", "cloud_cover", "stack")
_MOST_BYTES = 1_000_000  # such a file has a few hundred; arbitrary


def read_declared(path: Path) -> Level1Scene:
    """Scene that a TOML or JSON file describes, its files beside it.

    Raises
    ------
    DataError
        If anything is missing or wrong, or reflectance is not said to be that at the
        top of the atmosphere.
    """
    said = _read(path)
    _check_keys(said, path)
    if said["level"] != _LEVEL:
        raise DataError(
            path,
            f"level is {str(said['level'])[:40]!r}; fire rules need {_LEVEL!r}",
            "give reflectance that is not corrected for the atmosphere",
        )
    imager, satellite = find_satellite(str(said["satellite"]).lower(), source=path)
    sun = _number(said, "sun_elevation", path)
    scaling = _scaling(said, sun, path)
    full = None if said.get("saturated") is None else _whole(said, "saturated", path)
    bands, crs = find_bands(
        {
            name: Described(
                file=str(said.get("stack", place)),
                scaling=scaling,
                layer=_layer(place, path) if "stack" in said else None,
                saturated=full,
            )
            for name, place in said["bands"].items()
        },
        path.parent,
        crs=None,
        source=path,
    )
    return Level1Scene(
        id=path.parent.name if path.name in NAMES else path.stem,
        source=path,
        imager=imager,
        satellite=satellite,
        sensed=_instant(said["sensed"], path),
        sun_elevation=sun,
        cloud_cover=norm_percent(said.get("cloud_cover"), where=path),
        crs=crs,
        bands=bands,
    )


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(path, "has more than 1 MB", "give a description")
        text = path.read_text(encoding="utf-8")
        said = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise DataError(path, f"cannot be read ({reason})", "mend it") from error
    if not isinstance(said, dict):
        raise DataError(path, f"holds a {type(said).__name__}", "write a table")
    return said


def _check_keys(said: Mapping[str, Any], path: Path) -> None:
    missing = [key for key in _NEEDED if key not in said]
    if missing:
        raise DataError(
            path, f"does not say {', '.join(missing)}", "see docs/fire-hotspots.md"
        )
    odd = sorted(str(key)[:40] for key in said.keys() - {*_NEEDED, *_OPTIONAL})
    if odd:
        raise DataError(path, f"says {', '.join(odd)}", "leave that out")
    bands = said["bands"]
    if not isinstance(bands, dict) or bands.keys() != set(BANDS):
        raise DataError(
            path,
            "bands are not those that fire rules need",
            f"give {', '.join(BANDS)} and no others",
        )


def _scaling(said: Mapping[str, Any], sun: float, path: Path) -> Scaling:
    scale, offset = _number(said, "scale", path), _number(said, "offset", path)
    if not 0.0 < scale <= 1.0 or abs(offset) > 1.0:
        raise DataError(
            path,
            f"scale {scale:g} and offset {offset:g} give no fractions",
            "write those of reflectance = number * scale + offset",
        )
    nodata = () if said.get("nodata") is None else (_whole(said, "nodata", path),)
    scaling = Scaling(scale=scale, offset=offset, nodata=nodata)
    if said["sun_corrected"] is True:
        return scaling
    if said["sun_corrected"] is not False:
        raise DataError(path, "sun_corrected is neither true nor false", "say which")
    return correct_for_sun(scaling, sun, where=path)


def _number(said: Mapping[str, Any], key: str, path: Path) -> float:
    value = said[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(path, f"{key} is {str(value)[:40]!r}", "write a number")
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if not math.isfinite(number):
        raise DataError(path, f"{key} is {number}", "write a finite number")
    return number


def _whole(said: Mapping[str, Any], key: str, path: Path) -> int:
    value = _number(said, key, path)
    if value != int(value):
        raise DataError(path, f"{key} is {value}", "write a whole number")
    return int(value)


def _layer(place: object, path: Path) -> int:
    if isinstance(place, bool) or not isinstance(place, int) or place < 1:
        raise DataError(
            path, f"band {str(place)[:40]!r} of a stack", "number them from 1"
        )
    return place


def _instant(value: object, path: Path) -> datetime:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return norm_instant(text, where=path)

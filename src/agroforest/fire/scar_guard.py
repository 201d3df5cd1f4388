"""The harvest guard: a bright clear-cut is not a fire.

A felled, ploughed or harvested field loses its leaves like a burned one. A scar is
therefore called a fire only with evidence of fire: a hotspot there in the days before
the image, or char in it. What has neither stays in the list, marked ``harvest?``.
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError, DataError

#: Days before the image in which a hotspot speaks for a fire. Own rule.
HOTSPOT_DAYS = 15
#: Share of a scar's pixels that must be char. In 22 of 26 fires it is .40 or more,
#: in four 0; arbitrary between.
CHAR_SHARE = 0.20
# Char: darker in the near than in the shortwave infrared, and dark in the visible and
# near infrared. The order of the two infrared bands is that of the char soil index
# (Smith et al. 2007, doi 10.1016/j.rse.2006.12.004) at 1; the other two limits were
# set by eye on the training fires.
_CHAR_VISIBLE, _CHAR_NEAR = 0.09, 0.20
# The centre of a detection is this far off at most: half a pixel of VIIRS.
_SLACK_DEGREES = 0.0034


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hotspots:
    """Events of ``agroforest fire hotspots``, static sources left out.

    Attributes
    ----------
    ids, first, last
        ``(n,)`` each.
    outlines
        ``(n,)`` object, WGS 84.
    static
        How many were left out.
    """

    ids: tuple[str, ...]
    first: tuple[datetime, ...]
    last: tuple[datetime, ...]
    outlines: NDArray[np.object_] = field(repr=False)
    static: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What speaks for fire.

    Attributes
    ----------
    char_share
        Of the pixels seen, 0..1; NaN if none is.
    events
        Ids of hotspots in place and time.
    older
        How many lie in place, but before the days that count.
    begun, ended
        Days between which it burned: from the hotspots, or else from the two
        images; None where not known.
    dated_by
        ``hotspots``, ``images`` or nothing.
    """

    char_share: float
    events: tuple[str, ...]
    older: int
    begun: date | None
    ended: date | None
    dated_by: str

    @property
    def char(self) -> bool:
        """Whether enough of it is char."""
        return self.char_share >= CHAR_SHARE

    @property
    def fire(self) -> bool:
        """Whether anything speaks for fire."""
        return self.char or bool(self.events)

    @property
    def words(self) -> str:
        """Evidence as one word for tables."""
        return (
            "+".join(
                name
                for name, there in (("hotspot", self.events), ("char", self.char))
                if there
            )
            or "none"
        )


def read_hotspots(path: Path) -> Hotspots:
    """Read ``events.geojson``.

    Raises
    ------
    ConfigurationError
        No such file.
    DataError
        Not the events of ``agroforest fire hotspots``.
    """
    if not path.is_file():
        raise ConfigurationError(
            path, "no such file", "give events.geojson of `agroforest fire hotspots`"
        )
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        rows = [_read_event(feature) for feature in features]
    except (KeyError, TypeError, ValueError, ShapelyError) as error:
        raise DataError(
            path,
            f"is not a table of events ({type(error).__name__}: {error})",
            "give events.geojson of `agroforest fire hotspots`",
        ) from None
    kept = [row for row in rows if not row[4]]
    return Hotspots(
        ids=tuple(row[0] for row in kept),
        first=tuple(row[1] for row in kept),
        last=tuple(row[2] for row in kept),
        outlines=np.array([row[3] for row in kept], dtype=object),
        static=len(rows) - len(kept),
    )


def find_char(bands: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find char.

    Parameters
    ----------
    bands
        Reflectance of the model's bands, ``(5, y, x)``, NaN where not seen.

    Returns
    -------
    ndarray
        ``(y, x)`` bool; False where not seen.
    """
    visible, near, short = bands[:3].mean(axis=0), bands[3], bands[4]
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (near < short) & (visible < _CHAR_VISIBLE) & (near < _CHAR_NEAR)
        )


def weigh(
    outline: BaseGeometry,
    char_share: float,
    hotspots: Hotspots | None,
    *,
    before: date | None,
    after: date | None,
    days: int = HOTSPOT_DAYS,
) -> Evidence:
    """Weigh what speaks for fire.

    Parameters
    ----------
    outline
        Of the scar, WGS 84.
    char_share
        Of its pixels.
    hotspots
        Of the time, if there are any.
    before, after
        Days of the images, UTC; without the second no hotspot can count.
    days
        Before the second image in which a hotspot counts.
    """
    counting: list[int] = []
    older = 0
    if hotspots is not None and after is not None and len(hotspots.ids):
        tree = shapely.STRtree(hotspots.outlines)
        near = tree.query(outline, predicate="dwithin", distance=_SLACK_DEGREES)
        for place in sorted(near.tolist()):
            if hotspots.first[place].date() > after:
                continue
            recent = hotspots.last[place].date() >= after - timedelta(days=days)
            # A fire that ended before the first image is not what changed.
            if recent and (before is None or hotspots.last[place].date() >= before):
                counting.append(place)
            else:
                older += 1
    begun, ended, source = before, after, "images"
    if counting and hotspots is not None:
        begun = min(hotspots.first[place].date() for place in counting)
        ended = max(hotspots.last[place].date() for place in counting)
        source = "hotspots"
    elif before is None:
        begun, ended, source = None, after, "images" if after else ""
    return Evidence(
        char_share=char_share,
        events=tuple(hotspots.ids[p] for p in counting) if hotspots else (),
        older=older,
        begun=begun,
        ended=ended,
        dated_by=source,
    )


def _read_event(
    feature: dict[str, Any],
) -> tuple[str, datetime, datetime, BaseGeometry, bool]:
    told = feature["properties"]
    return (
        str(told["id"]),
        datetime.fromisoformat(told["first_utc"]),
        datetime.fromisoformat(told["last_utc"]),
        shape(feature["geometry"]),
        bool(told.get("static", False)),
    )

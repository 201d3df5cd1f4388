"""What is searched for among rasters, as STAC API 1.0.0 has it."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Annotated, Any

import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.web.api.stac_rasters import Box, Raster

_Word = Annotated[str, Field(max_length=200)]
_Words = Annotated[tuple[_Word, ...], Field(max_length=500)]
#: Corners of an outline that is searched by. Arbitrary; a county has some thousands.
_MOST_CORNERS = 20_000


class Search(BaseModel):
    """A search, as the body of a request has it."""

    model_config = ConfigDict(frozen=True)

    bbox: Annotated[tuple[float, ...], Field(max_length=6)] | None = Field(
        default=None, examples=[[108.2, 22.2, 108.5, 22.6]]
    )
    intersects: dict[str, Any] | None = Field(
        default=None, description="GeoJSON geometry; not together with `bbox`."
    )
    datetime: _Word | None = Field(
        default=None,
        description="A moment or an interval, RFC 3339; `..` is open.",
        examples=["2024-05-01T00:00:00Z/.."],
    )
    ids: _Words | None = None
    collections: _Words | None = None
    limit: int = Field(default=10, ge=1, le=500)
    token: str = Field(
        default="", max_length=500, description="Of the link to the next page."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A search as it was understood.

    Attributes
    ----------
    since, until
        Both included; ``None`` is open.
    outline
        What rasters must meet; degrees.
    ids
        One of these; any if ``None``.
    after
        Place of the last raster of the page before.
    limit
        Rasters a page.
    """

    since: datetime | None = None
    until: datetime | None = None
    outline: BaseGeometry | None = field(default=None, repr=False)
    ids: frozenset[str] | None = None
    after: tuple[datetime, str, str] | None = None
    limit: int = 10

    def holds(self, raster: Raster) -> bool:
        """Whether a raster is wanted on this page or a later one."""
        return (
            (self.ids is None or raster.id in self.ids)
            and (self.since is None or raster.moment >= self.since)
            and (self.until is None or raster.moment <= self.until)
            and (self.after is None or raster.place < self.after)
            and (
                self.outline is None
                or bool(self.outline.intersects(shapely.box(*raster.box)))
            )
        )


def read_search(search: Search) -> Wanted:
    """Read a search.

    Raises
    ------
    DataError
        A part of it is none; with its name.
    """
    if search.bbox is not None and search.intersects is not None:
        raise DataError("bbox", "and intersects are both given", "give one of them")
    since, until = _read_interval(search.datetime)
    outline = None
    if search.bbox is not None:
        outline = _build_outline(search.bbox)
    elif search.intersects is not None:
        outline = _read_outline(search.intersects)
    return Wanted(
        since=since,
        until=until,
        outline=outline,
        ids=None if search.ids is None else frozenset(search.ids),
        after=_read_token(search.token) if search.token else None,
        limit=search.limit,
    )


def read_query(
    *,
    bbox: str = "",
    intersects: str = "",
    collections: str = "",
    ids: str = "",
    **rest: Any,  # noqa: ANN401  as `Search` has them
) -> Search:
    """Read a search as a query has it: lists are written with commas.

    Raises
    ------
    DataError
        The box or the outline is none.
    """
    try:
        box = tuple(map(float, bbox.split(","))) if bbox else None
    except ValueError:
        raise _no_box(bbox) from None
    try:
        outline = json.loads(intersects) if intersects else None
    except (ValueError, RecursionError):
        outline = intersects
    if outline is not None and not isinstance(outline, dict):
        raise _no_outline()
    try:
        return Search(
            bbox=box,
            intersects=outline,
            collections=tuple(collections.split(",")) if collections else None,
            ids=tuple(ids.split(",")) if ids else None,
            **rest,
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(where, first["msg"], "ask for less at once") from None


def find_page(
    rasters: Iterable[Sequence[Raster]], wanted: Wanted
) -> tuple[list[Raster], str]:
    """Find a page of rasters, the newest first, and the token of the next one.

    Parameters
    ----------
    rasters
        Of each collection, the newest first.
    wanted
        What is searched for.
    """
    ranked = merge(*rasters, key=lambda raster: raster.place, reverse=True)
    found = list(islice(filter(wanted.holds, ranked), wanted.limit + 1))
    page = found[: wanted.limit]
    if len(found) == len(page):
        return page, ""
    moment, collection, name = page[-1].place
    return page, f"{moment.isoformat()}|{collection}|{name}"


def _read_token(written: str) -> tuple[datetime, str, str]:
    moment, _, rest = written.partition("|")
    collection, bar, name = rest.partition("|")
    place = None
    with suppress(DataError):
        place = (_read_moment(moment), collection, name)
    if place is None or not bar:
        raise DataError(
            "token", "is none of ours", "take it from the link to the next page"
        )
    return place


def _read_interval(written: str | None) -> tuple[datetime | None, datetime | None]:
    if not written:
        return None, None
    first, slash, last = written.partition("/")
    ends = (first, last) if slash else (first, first)
    since, until = (None if end in {"", ".."} else _read_moment(end) for end in ends)
    if since is None and until is None:
        raise _no_time(written)
    if since is not None and until is not None and since > until:
        raise _no_time(written)
    return since, until


def _read_moment(written: str) -> datetime:
    try:
        moment = datetime.fromisoformat(written.strip().replace("t", "T"))
    except ValueError:
        raise _no_time(written) from None
    if moment.tzinfo is None:
        raise _no_time(written)
    return moment


def _build_outline(numbers: Sequence[float]) -> BaseGeometry:
    """Build the outline of a box; one whose west is east of its east goes round."""
    if len(numbers) == 6:  # heights are passed over
        numbers = (*numbers[:2], *numbers[3:5])
    if len(numbers) != 4 or not all(abs(n) <= 180 for n in numbers):
        raise _no_box(",".join(map(str, numbers)))
    west, south, east, north = numbers
    if not -90 <= south <= north <= 90:
        raise _no_box(",".join(map(str, numbers)))
    if west <= east:
        return _box(west, south, east, north)
    return shapely.union_all(
        [_box(west, south, 180.0, north), _box(-180.0, south, east, north)]
    )


def _box(*box: *Box) -> BaseGeometry:
    return shapely.box(*box)


def _read_outline(written: dict[str, Any]) -> BaseGeometry:
    try:
        outline: BaseGeometry = shape(written)
        ends = outline.bounds
        usable = (
            not outline.is_empty
            and all(abs(end) <= 360 for end in ends)
            and shapely.get_num_coordinates(outline) <= _MOST_CORNERS
        )
        if usable:
            return outline if outline.is_valid else shapely.make_valid(outline)
    except (
        *(ShapelyError, ValueError, TypeError, KeyError, IndexError),
        *(AttributeError, RecursionError, OverflowError),
    ):
        pass
    raise _no_outline()


def _no_box(written: str) -> DataError:
    return DataError(
        "bbox", f"{written!r} is no box", "give west,south,east,north in degrees"
    )


def _no_outline() -> DataError:
    return DataError("intersects", "is no outline", "give a geometry of GeoJSON")


def _no_time(written: str) -> DataError:
    return DataError(
        "datetime",
        f"{written!r} is no time",
        "write 2024-05-01T00:00:00Z or 2024-05-01T00:00:00Z/..",
    )

"""Which files of old nights nobody reads again.

=========================  =====================================================
file                       kept beyond its time while
=========================  =====================================================
state, catalogue, spool    always: nights go on from them
index maps                 an open case lies on the tile: from the last picture
                           before the damage on
risk maps, reports, maps   never; the database keeps what came of them
weather of fire danger     a case of those days is open
burn scars, yearly maps    always: few, and published
=========================  =====================================================

The newest nights with tasks are kept whatever their age, because pages show them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from agroforest.store.pruning import Looked, Needs

#: Nights with tasks whose files are kept whatever their age; more than a page shows
#: unless told to (`map.nights`). Arbitrary.
NEWEST = 60
#: Days of weather before an alert that its page may show; see `fire.weather`.
_WEATHER_DAYS = 10
# Degrees: a box in metres is not one in degrees.
_MARGIN = 0.01

_DAY = r"(?P<day>\d{4}-\d{2}-\d{2})"
_DATED = tuple(
    re.compile(f"^{pattern}$")
    for pattern in (
        rf"(?P<kind>indices)/(?P<tile>[^/]+)/[^/]+_{_DAY}_(?P<name>[^/]+)\.(tif|json)",
        rf"(?P<kind>risk)/[^/]+/[^/]+_{_DAY}_[^/]+\.(tif|json)",
        rf"(?P<kind>reports)/{_DAY}\.(json|html)",
        rf"(?P<kind>maps)/{_DAY}\.html",
        rf"fire/(?P<kind>danger)/[^/]*_{_DAY}\.[a-z.]+",
        rf"fire/(?P<kind>forecast)/{_DAY}/[^/]+",
        rf"fire/(?P<kind>events)/{_DAY}\.[a-z]+",
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """A file of one day that a night wrote.

    Attributes
    ----------
    path
        Relative to the work folder, with forward slashes.
    pipeline, kind, tile, name
        Whose; of what sort; and of index maps the tile and the index.
    day
        Of the picture, or the night.
    size
        Bytes.
    """

    path: str
    pipeline: str
    kind: str
    tile: str
    name: str
    day: date
    size: int


def find_dated(work: Path, pipelines: Sequence[str]) -> Iterator[Dated]:
    """Find the files of one day under a work folder."""
    for pipeline in sorted(pipelines):
        root = work / pipeline
        for kind in ("indices", "risk", "reports", "maps", "fire"):
            for file in sorted((root / kind).rglob("*")):
                inside = file.relative_to(root).as_posix()
                match = next((m for p in _DATED if (m := p.match(inside))), None)
                if match is None or not file.is_file():
                    continue
                try:
                    day = date.fromisoformat(match["day"])
                except ValueError:
                    continue
                groups = match.groupdict("")
                yield Dated(
                    path=f"{pipeline}/{inside}",
                    pipeline=pipeline,
                    kind=groups["kind"],
                    tile=groups.get("tile", ""),
                    name=groups.get("name", ""),
                    day=day,
                    size=file.stat().st_size,
                )


def find_dispensable(
    work: Path, dated: Sequence[Dated], needs: Needs, *, keep_days: int
) -> list[Dated]:
    """Choose the files that nobody reads again.

    Parameters
    ----------
    work
        The work folder.
    dated
        As found in it.
    needs
        What is still read.
    keep_days
        Younger files stay; counted from the pipeline's last night, not from today:
        a pipeline that rests loses nothing.
    """
    horizons = {
        name: min(last - timedelta(days=keep_days), needs.shown[name])
        for name, last in needs.last.items()
    }
    old = [d for d in dated if d.day < horizons.get(d.pipeline, date.min)]
    starts = _find_starts(work, dated, needs.looked)
    return [d for d in old if not _is_evidence(d, needs.looked, starts)]


def _is_evidence(
    one: Dated, looked: Sequence[Looked], starts: dict[tuple[str, str, str], date]
) -> bool:
    if one.kind == "indices":
        start = starts.get((one.pipeline, one.tile, one.name))
        return start is not None and one.day >= start
    if one.kind == "danger":
        reach = timedelta(days=_WEATHER_DAYS)
        return any(
            each.first_night - reach <= one.day <= each.first_night
            for each in looked
            if each.pipeline == one.pipeline
        )
    return False


def _find_starts(
    work: Path, dated: Sequence[Dated], looked: Sequence[Looked]
) -> dict[tuple[str, str, str], date]:
    """Earliest index map that an open case needs, by pipeline, tile and index."""
    series: dict[tuple[str, str, str], list[Dated]] = {}
    for one in dated:
        if one.kind == "indices":
            series.setdefault((one.pipeline, one.tile, one.name), []).append(one)
    boxes: dict[tuple[str, str], tuple[float, ...] | None] = {}
    starts = {}
    for (pipeline, tile, name), maps in series.items():
        if (pipeline, tile) not in boxes:
            boxes[pipeline, tile] = _find_box(work, maps)
        box = boxes[pipeline, tile]
        since = [
            each.since
            for each in looked
            if each.pipeline == pipeline and _meets(box, each)
        ]
        if since:
            before = [m.day for m in maps if m.day < min(since)]
            starts[pipeline, tile, name] = max(before, default=date.min)
    return starts


def _find_box(work: Path, maps: Sequence[Dated]) -> tuple[float, ...] | None:
    """Box of a tile as one of its items says; ``None`` if none does."""
    for one in maps:
        if one.path.endswith(".json"):
            try:
                item = json.loads((work / one.path).read_bytes())
                west, south, east, north = map(float, item["bbox"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            return west, south, east, north
    return None


def _meets(box: tuple[float, ...] | None, each: Looked) -> bool:
    """Whether an alert may lie on a tile; on one that nobody knows it may."""
    if box is None:
        return True
    west, south, east, north = box
    return (
        each.west <= east + _MARGIN
        and each.east >= west - _MARGIN
        and each.south <= north + _MARGIN
        and each.north >= south - _MARGIN
    )

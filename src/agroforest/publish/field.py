"""GPX 1.1 for devices that people carry into the field: where to go, and around what.

WGS 84, as every receiver wants it. Chinese maps on phones are drawn in GCJ-02, some
hundreds of metres off; a GPX file is not for them, see docs/exports.md.
"""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile

import shapely

from agroforest.core.risk import Hazard
from agroforest.publish.place import spell_degrees
from agroforest.publish.rows import Row, spell, summarise, title

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="agroforest" xmlns="http://www.topografix.com/GPX/1/1">
<metadata><name>现场核查 Field check</name></metadata>
"""
# Names of symbols that receivers know.
_SYMBOLS = {Hazard.ACTIVE_FIRE.value: "Flag, Red"}
_SYMBOL = "Flag, Blue"


def write_gpx(path: Path, rows: Iterable[Row]) -> None:
    """Write a waypoint in each case and its outline as a track.

    Cases without an outline are left out. Waypoints come before all tracks, as the
    schema asks; the tracks wait in a file meanwhile.
    """
    with (
        path.open("w", encoding="utf-8") as out,
        TemporaryFile("w+", encoding="utf-8") as tracks,
    ):
        out.write(_HEAD)
        for row in rows:
            if not row.outline.is_empty:
                out.write(_spell_waypoint(row))
                tracks.writelines(_spell_track(row))
        tracks.seek(0)
        copyfileobj(tracks, out)
        out.write("</gpx>\n")


def _spell_waypoint(row: Row) -> str:
    values = row.values
    longitude, latitude = (
        spell_degrees(float(str(values[name]))) for name in ("longitude", "latitude")
    )
    symbol = _SYMBOLS.get(str(values["hazard"]), _SYMBOL)
    return (
        f'<wpt lat="{latitude}" lon="{longitude}">\n'
        f"<time>{spell(values['changed'])}</time>\n"
        f"<name>{escape(title(row))}</name>\n"
        f"<desc>{escape(summarise(row))}</desc>\n"
        f"<sym>{symbol}</sym>\n"
        f"<type>{escape(str(values['hazard']))}</type>\n"
        "</wpt>\n"
    )


def _spell_track(row: Row) -> Iterator[str]:
    """One segment a ring, holes too: whoever walks there sees where they are."""
    yield f"<trk><name>{escape(title(row))}</name>\n"
    for polygon in row.outline.geoms:
        for ring in (polygon.exterior, *polygon.interiors):
            yield "<trkseg>\n"
            for point in shapely.get_coordinates(ring).tolist():
                longitude, latitude = map(spell_degrees, point)
                yield f'<trkpt lat="{latitude}" lon="{longitude}"/>\n'
            yield "</trkseg>\n"
    yield "</trk>\n"

"""KML 2.2 (OGC 07-147r2) for Google Earth and the like, styled by hazard."""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

import shapely
from shapely.geometry import LinearRing, MultiPolygon

from agroforest.core.risk import Hazard
from agroforest.publish.place import spell_degrees, turn_rings
from agroforest.publish.rows import Row, spell, summarise, title

# Opaque colours of outlines, alpha, blue, green and red as KML has them.
_COLORS = {
    Hazard.ACTIVE_FIRE: "ff1c1ae3",
    Hazard.CANOPY_LOSS: "ff0a7fff",
    Hazard.CANOPY_STRESS: "ff00d2ff",
}
_PLAIN = "ff888888"
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2">
<Document>
<name>森林与农田预警 Forest and farm alerts</name>
"""
# The balloon shows the description and nothing else: it is HTML, and escaped as such.
_STYLE = """<Style id="{id}">
<LineStyle><color>{color}</color><width>2</width></LineStyle>
<PolyStyle><color>{fill}</color></PolyStyle>
<BalloonStyle><text>$[description]</text></BalloonStyle>
</Style>
"""


def write_kml(path: Path, rows: Iterable[Row]) -> None:
    """Write a placemark a case, with all of its values as data."""
    with path.open("w", encoding="utf-8") as out:
        out.write(_HEAD)
        for hazard in Hazard:
            color = _COLORS.get(hazard, _PLAIN)
            fill = f"55{color[2:]}"
            out.write(_STYLE.format(id=hazard, color=color, fill=fill))
        for row in rows:
            out.writelines(_spell_placemark(row))
        out.write("</Document>\n</kml>\n")


def _spell_placemark(row: Row) -> Iterator[str]:
    yield "<Placemark>\n"
    yield f"<name>{escape(title(row))}</name>\n"
    # Twice: once for XML, once for the browser that shows it. Nor is `$[` for anyone
    # to fill in.
    words = summarise(row).replace("$[", "$ [")
    yield f"<description>{escape(escape(words))}</description>\n"
    yield f"<TimeStamp><when>{spell(row.values['first_night'])}</when></TimeStamp>\n"
    yield f"<styleUrl>#{escape(str(row.values['hazard']))}</styleUrl>\n"
    yield "<ExtendedData>\n"
    for name, value in row.values.items():
        text = escape(spell(value))
        yield f'<Data name="{name}"><value>{text}</value></Data>\n'
    yield "</ExtendedData>\n"
    if not row.outline.is_empty:
        yield from _spell_outline(row.outline)
    yield "</Placemark>\n"


def _spell_outline(outline: MultiPolygon) -> Iterator[str]:
    yield "<MultiGeometry>\n"
    for polygon in turn_rings(outline).geoms:
        yield f"<Polygon><outerBoundaryIs>{_spell_ring(polygon.exterior)}"
        yield "</outerBoundaryIs>"
        for hole in polygon.interiors:
            yield f"<innerBoundaryIs>{_spell_ring(hole)}</innerBoundaryIs>"
        yield "</Polygon>\n"
    yield "</MultiGeometry>\n"


def _spell_ring(ring: LinearRing) -> str:
    points = shapely.get_coordinates(ring).tolist()
    spelt = " ".join(",".join(map(spell_degrees, point)) for point in points)
    return f"<LinearRing><coordinates>{spelt}</coordinates></LinearRing>"

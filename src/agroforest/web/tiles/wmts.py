"""The list of layers as WMTS 1.0.0 (OGC 07-057r7), for QGIS and the like."""

import math
from collections.abc import Sequence
from xml.etree.ElementTree import (
    Element,
    SubElement,
    indent,
    register_namespace,
    tostring,
)

from agroforest.web.tiles.layers import Layer
from agroforest.web.tiles.pixels import SIZE
from agroforest.web.tiles.render import DEEPEST

_WMTS = "http://www.opengis.net/wmts/1.0"
_OWS = "http://www.opengis.net/ows/1.1"
_XLINK = "http://www.w3.org/1999/xlink"
_SET = "WebMercatorQuad"
_HALF = 20037508.342789244  # metres: half the side of the square world
# Pixels of 0.28 mm, as the standard has them.
_PIXEL_M = 0.00028

register_namespace("", _WMTS)
register_namespace("ows", _OWS)
register_namespace("xlink", _XLINK)


def write_capabilities(layers: Sequence[Layer], *, root: str) -> str:
    """Write the capabilities.

    Parameters
    ----------
    layers
        Those that whoever asks may see.
    root
        Address of the tiles, ``https://example.org/tiles``.
    """
    top = Element(f"{{{_WMTS}}}Capabilities", version="1.0.0")
    identification = SubElement(top, f"{{{_OWS}}}ServiceIdentification")
    SubElement(identification, f"{{{_OWS}}}Title").text = "agroforest"
    SubElement(identification, f"{{{_OWS}}}ServiceType").text = "OGC WMTS"
    SubElement(identification, f"{{{_OWS}}}ServiceTypeVersion").text = "1.0.0"
    contents = SubElement(top, f"{{{_WMTS}}}Contents")
    for layer in layers:
        _add_layer(contents, layer, root)
    _add_matrix_set(contents)
    SubElement(top, f"{{{_WMTS}}}ServiceMetadataURL").set(
        f"{{{_XLINK}}}href", f"{root}/WMTSCapabilities.xml"
    )
    indent(top, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(top, "unicode") + "\n"


def _add_layer(contents: Element, layer: Layer, root: str) -> None:
    each = SubElement(contents, f"{{{_WMTS}}}Layer")
    title = f"{layer.style.title[0]} · {layer.style.title[1]} ({layer.pipeline})"
    SubElement(each, f"{{{_OWS}}}Title").text = title
    SubElement(each, f"{{{_OWS}}}Identifier").text = f"{layer.pipeline}.{layer.name}"
    style = SubElement(each, f"{{{_WMTS}}}Style", isDefault="true")
    SubElement(style, f"{{{_OWS}}}Identifier").text = "default"
    SubElement(each, f"{{{_WMTS}}}Format").text = "image/png"
    dimension = SubElement(each, f"{{{_WMTS}}}Dimension")
    SubElement(dimension, f"{{{_OWS}}}Identifier").text = "Time"
    SubElement(dimension, f"{{{_WMTS}}}Default").text = layer.newest.isoformat()
    for day in sorted(layer.days, reverse=True):
        SubElement(dimension, f"{{{_WMTS}}}Value").text = day.isoformat()
    link = SubElement(each, f"{{{_WMTS}}}TileMatrixSetLink")
    SubElement(link, f"{{{_WMTS}}}TileMatrixSet").text = _SET
    SubElement(
        each,
        f"{{{_WMTS}}}ResourceURL",
        format="image/png",
        resourceType="tile",
        template=f"{root}/{layer.pipeline}/{layer.name}/{{Time}}"
        "/{TileMatrix}/{TileCol}/{TileRow}.png",
    )


def _add_matrix_set(contents: Element) -> None:
    matrices = SubElement(contents, f"{{{_WMTS}}}TileMatrixSet")
    SubElement(matrices, f"{{{_OWS}}}Identifier").text = _SET
    SubElement(matrices, f"{{{_OWS}}}SupportedCRS").text = "urn:ogc:def:crs:EPSG::3857"
    for zoom in range(DEEPEST + 1):
        count = 1 << zoom
        pixel = 2 * _HALF / (SIZE * count)
        matrix = SubElement(matrices, f"{{{_WMTS}}}TileMatrix")
        SubElement(matrix, f"{{{_OWS}}}Identifier").text = str(zoom)
        for name, text in {
            "ScaleDenominator": f"{pixel / _PIXEL_M:.10f}",
            "TopLeftCorner": f"{-_HALF} {_HALF}",
            "TileWidth": str(SIZE),
            "TileHeight": str(SIZE),
            "MatrixWidth": str(count),
            "MatrixHeight": str(count),
        }.items():
            SubElement(matrix, f"{{{_WMTS}}}{name}").text = text


def find_box(x: int, y: int, zoom: int) -> tuple[float, float, float, float]:
    """Box of a tile, ``(west, south, east, north)`` in degrees."""
    count = 1 << zoom
    south, north = (
        math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / count))))
        for row in (y + 1, y)
    )
    return x / count * 360 - 180, south, (x + 1) / count * 360 - 180, north

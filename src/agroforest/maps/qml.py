"""Styles for QGIS: the same colours in the office as on our own pages."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agroforest.maps.styles import RasterStyle

_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_STOPS = 11


def write_qml(style: RasterStyle) -> str:
    """Write the style of a single-band raster, as a ``.qml`` of QGIS 3.

    QGIS applies the scale that our files declare, so stops are values, not stored
    numbers. Beside a raster and named as it, the style is loaded with it.
    """
    root = Element("qgis", version="3.22.0", styleCategories="Symbology")
    pipe = SubElement(root, "pipe")
    low, high = style.ends
    renderer = SubElement(
        pipe,
        "rasterrenderer",
        type="singlebandpseudocolor",
        band="1",
        opacity="0.85",
        alphaBand="-1",
        classificationMin=f"{low:g}",
        classificationMax=f"{high:g}",
        nodataColor="",
    )
    SubElement(renderer, "rasterTransparency")
    shader = SubElement(SubElement(renderer, "rastershader"), "colorrampshader")
    for key, text in {
        "colorRampType": "EXACT" if style.steps else "INTERPOLATED",
        "classificationMode": "1",
        "clip": "0",
        "minimumValue": f"{low:g}",
        "maximumValue": f"{high:g}",
        "labelPrecision": "2",
    }.items():
        shader.set(key, text)
    for value, (red, green, blue) in style.stops(_STOPS):
        SubElement(
            shader,
            "item",
            value=f"{value:g}",
            label=f"{value:g}",
            color=f"#{red:02x}{green:02x}{blue:02x}",
            alpha="255",
        )
    SubElement(pipe, "brightnesscontrast", brightness="0", contrast="0", gamma="1")
    SubElement(pipe, "rasterresampler", maxOversampling="2")
    SubElement(root, "blendMode").text = "0"
    indent(root, " ")
    return _HEAD + tostring(root, encoding="unicode") + "\n"

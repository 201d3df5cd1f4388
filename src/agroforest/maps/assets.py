"""Scripts and style sheets that travel inside the page.

Where they come from, their licences and checksums: ``assets/README.md``.
"""

import re
from importlib.resources import files

#: In the order in which they must run.
SCRIPTS = (
    "leaflet.js",
    "words.js",
    "dom.js",
    "popups.js",
    "measure.js",
    "panel.js",
    "agroforest.js",
)
#: After `SCRIPTS`, but before the page starts, where years are compared.
YEARLY_SCRIPT = "yearly.js"
STYLES = ("leaflet.css", "agroforest.css")
#: Of the page of fire events, instead of `SCRIPTS` and after `STYLES`.
HOTSPOT_SCRIPTS = (
    "leaflet.js",
    "words.js",
    "dom.js",
    "popups.js",
    "measure.js",
    "hotspots_words.js",
    "hotspot_marks.js",
    "hotspots.js",
)
HOTSPOT_STYLE = "hotspots.css"
#: After `SCRIPTS` and `STYLES`, where a night's page speaks of fire.
FIRE_SCRIPTS = (
    "hotspots_words.js",
    "hotspot_marks.js",
    "fire_words.js",
    "fire_cells.js",
    "fire_clock.js",
    "fire_popups.js",
    "fire_panel.js",
    "fire.js",
)
FIRE_STYLES = (HOTSPOT_STYLE, "fire.css")
#: After those of fire, where a night's page speaks of parcels and their water.
WATER_SCRIPTS = (
    "water_words.js",
    "water_chart.js",
    "water_card.js",
    "water_panel.js",
    "water.js",
)
WATER_STYLE = "water.css"

# leaflet.css names pictures of controls and markers this page does not use, and a
# behaviour of Internet Explorer 8; leaflet.js names its source map.
_UNUSED_URL = re.compile(r"^\s*[a-z-]+:\s*url\((?!data:)[^)]*\);?\s*$", re.MULTILINE)
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


def read_script(name: str) -> str:
    """Text of a script, without the address of its source map."""
    return _SOURCE_MAP.sub("", _read(name)).strip()


def read_style(name: str) -> str:
    """Text of a style sheet, without declarations that would fetch something."""
    return _UNUSED_URL.sub("", _read(name)).strip()


def _read(name: str) -> str:
    return files("agroforest.maps").joinpath("assets", name).read_text("utf-8")

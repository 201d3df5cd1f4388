"""The HTML document around the data: folium's map, our scripts, a strict policy.

Folium compiles what its elements render a second time, as Jinja templates, and
puts strings into scripts. A name such as ``{{ … }}`` or `` `${…}` `` would run in
Python or in the browser. Nothing from outside is therefore given to folium: data
go into one block of JSON, which the page's script shows as text.
"""

import base64
import hashlib
import html
import json
import re
from typing import Any

import folium
from branca.element import Element, Figure
from folium.template import Template

from agroforest.maps.assets import (
    FIRE_SCRIPTS,
    FIRE_STYLES,
    HOTSPOT_SCRIPTS,
    HOTSPOT_STYLE,
    SCRIPTS,
    STYLES,
    WATER_SCRIPTS,
    WATER_STYLE,
    YEARLY_SCRIPT,
    read_script,
    read_style,
)

_SKELETON = """<div id="af-head"></div><div id="af-banner"></div>
<div id="af-panel"></div><div id="af-time"></div>
<noscript>此页面需要 JavaScript。 This page needs JavaScript.</noscript>"""
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
_EXECUTED = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLED = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class _Map(folium.Map):
    """Folium's map, without its page styles.

    They assume that the map is all there is, and forbid zooming with the fingers.
    """

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  folium's own attribute
    default_css: list[tuple[str, str]] = []  # noqa: RUF012  folium's own attribute
    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <div class="folium-map" id={{ this.get_name()|tojson }}></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            (() => {
                const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
                const map = L.map({{ this.get_name()|tojson }}, {
                    center: {{ this.location|tojson }},
                    crs: L.CRS.{{ this.crs }},
                    fadeAnimation: !calm, zoomAnimation: !calm, inertia: !calm,
                    ...{{ this.options|tojavascript }}
                });
                // Leaflet glides to make room for a card, and has no option for that.
                if (calm) map.panBy = (by, options) =>
                    L.Map.prototype.panBy.call(map, by, {...options, animate: false});
                agroforest.start(map);
            })();
        {% endmacro %}
        """
    )


class _Verbatim(Element):
    """Markup that is never compiled as a template."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self._markup = markup

    def render(self, **kwargs: Any) -> str:  # noqa: ARG002, ANN401  branca's signature
        return self._markup


def build_document(data: dict[str, Any], *, title: str) -> str:
    """Put data, scripts and styles into one HTML document.

    Parameters
    ----------
    data
        JSON-ready values; see `agroforest.maps.layers.build_data` and
        `agroforest.maps.hotspots.build_hotspot_data`.
    title
        Text of the title bar before the script has run.

    Returns
    -------
    str
        The same for the same input, byte by byte.
    """
    (south, west), (north, east) = data["bounds"]
    figure = Figure()
    page_map = _Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        max_zoom=19,
        zoom_control=False,
        attribution_control=False,
    )
    page_map.options.update(max_zoom=19, zoom_snap=0.25)
    figure.add_child(page_map)
    for number, markup in enumerate(_head(title, data)):
        figure.header.add_child(_Verbatim(markup), name=f"head_{number}")
    for number, markup in enumerate(_body(data)):
        figure.html.add_child(_Verbatim(markup), name=f"body_{number}")
    page_map._id = "0"  # noqa: SLF001  random otherwise, and no public way to set it
    rendered = figure.render()
    return rendered.replace(
        "<html>\n<head>", f'<html lang="zh-CN">\n<head>\n{_policy(rendered)}', 1
    )


def embed_json(data: object) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPES)


def _head(title: str, data: dict[str, Any]) -> list[str]:
    return [
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        *(f"<style>{read_style(name)}</style>" for name in _styles(data)),
    ]


def _body(data: dict[str, Any]) -> list[str]:
    return [
        _SKELETON,
        f'<script type="application/json" id="af-data">{embed_json(data)}</script>',
        *(f"<script>{read_script(name)}</script>" for name in _scripts(data)),
    ]


def _scripts(data: dict[str, Any]) -> tuple[str, ...]:
    if data.get("page") == "hotspots":
        return HOTSPOT_SCRIPTS
    yearly = (YEARLY_SCRIPT,) if data.get("yearly") else ()
    fire = FIRE_SCRIPTS if data.get("fire") else ()
    water = WATER_SCRIPTS if data.get("water") else ()
    return (*SCRIPTS, *yearly, *fire, *water)


def _styles(data: dict[str, Any]) -> tuple[str, ...]:
    if data.get("page") == "hotspots":
        return (*STYLES, HOTSPOT_STYLE)
    fire = FIRE_STYLES if data.get("fire") else ()
    return (*STYLES, *fire, *((WATER_STYLE,) if data.get("water") else ()))


def _policy(document: str) -> str:
    """Content security policy that names each script and style by its hash.

    Whatever else might get into the page does not run, and nothing may be
    fetched from anywhere.
    """
    scripts = " ".join(_hash(text) for text in _EXECUTED.findall(document))
    styles = " ".join(_hash(text) for text in _STYLED.findall(document))
    rules = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _hash(text: str) -> str:
    sha = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(sha).decode('ascii')}'"

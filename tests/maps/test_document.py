"""The document: quiet, repeatable, and deaf to what names try to say."""

import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import folium.folium
import pytest

from agroforest.maps import MapPage, build_page
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
from agroforest.maps.document import embed_json

ASSETS = files("agroforest.maps").joinpath("assets")


@pytest.fixture(scope="module")
def document(fake_page: MapPage) -> str:
    return build_page(fake_page)


def data_of(document: str) -> dict[str, Any]:
    block = '<script type="application/json" id="af-data">'
    text = document.split(block)[1].split("</script>", maxsplit=1)[0]
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_the_same_page_gives_the_same_bytes(document: str, fake_page: MapPage) -> None:
    assert build_page(fake_page) == document


def test_nothing_in_it_asks_for_anything(document: str) -> None:
    markup = re.sub(
        r"<script.*?</script>|<style>.*?</style>", "", document, flags=re.DOTALL
    )
    assert not re.search(r"\b(src|href|srcset|action|poster)\s*=", markup)
    assert "@import" not in document
    assert "sourceMappingURL" not in document
    styles = " ".join(re.findall(r"<style>(.*?)</style>", document, re.DOTALL))
    assert "url(" not in styles
    others = (YEARLY_SCRIPT, *HOTSPOT_SCRIPTS, *FIRE_SCRIPTS, *WATER_SCRIPTS)
    for name in (*SCRIPTS, *others):
        script = read_script(name)
        assert not re.search(
            r"\bfetch\(|XMLHttpRequest|importScripts|WebSocket", script
        )


def test_the_policy_allows_these_scripts_and_no_others(document: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', document)
    assert document.index(policy) < document.index("<style>")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "unsafe" not in policy
    executed = re.findall(r"<script>", document)
    assert rules["script-src"].count("'sha256-") == len(executed) == len(SCRIPTS) + 1
    assert rules["style-src"].count("'sha256-") == len(STYLES)


def test_the_data_block_is_the_data(document: str) -> None:
    data = data_of(document)
    assert data["night"] == "2025-06-09"
    assert len(data["layers"]) == 2


HOSTILE = "</script><script>bad()</script>&<!--<script \u2028\u2029 {{ 7 * 7 }} ${x}`"


def test_json_cannot_end_its_element() -> None:
    text = embed_json({"name": HOSTILE})
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"name": HOSTILE}


def test_json_refuses_what_json_has_not() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embed_json(float("nan"))


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "{% raise %}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
        "{{ this.__init__.__globals__ }}",
        "{# comment #}",
    ],
)
def test_names_are_never_compiled_as_templates(fake_page: MapPage, text: str) -> None:
    page = fake_page.patch(title_zh=text, pipeline=text, risks=(), indices=())
    data = data_of(build_page(page))
    assert data["title"]["zh"] == text
    assert data["pipeline"] == text


def test_the_title_bar_is_text(fake_page: MapPage) -> None:
    page = fake_page.patch(title_zh="</title><b>&", risks=(), indices=())
    assert "<title>&lt;/title&gt;&lt;b&gt;&amp;</title>" in build_page(page)


def test_a_page_with_almost_nothing_on_it(fake_page: MapPage) -> None:
    empty = fake_page.patch(
        risks=(), indices=(), alerts=(), sensors=(), notices=(), nights=()
    )
    data = data_of(build_page(empty))
    assert data["nights"] == ["2025-06-09"]
    assert data["layers"] == data["alerts"] == []


@pytest.mark.parametrize("name", ["leaflet.js", "leaflet.css"])
def test_vendored_files_are_what_the_readme_says(name: str) -> None:
    readme = ASSETS.joinpath("README.md").read_text("utf-8")
    digest = hashlib.sha256(ASSETS.joinpath(name).read_bytes()).hexdigest()
    row = next(line for line in readme.splitlines() if f"`{name}`" in line)
    assert digest in row
    urls = dict(folium.folium._default_js) | dict(folium.folium._default_css)
    (version,) = re.findall(r"\| (\d+\.\d+\.\d+) \|", row)
    assert f"leaflet@{version}/" in urls["leaflet"]


def test_every_asset_is_used() -> None:
    suffixes = (".js", ".css")
    present = {f.name for f in ASSETS.iterdir() if f.name.endswith(suffixes)}
    assert present == {
        *SCRIPTS,
        YEARLY_SCRIPT,
        *STYLES,
        *HOTSPOT_SCRIPTS,
        HOTSPOT_STYLE,
        *FIRE_SCRIPTS,
        *FIRE_STYLES,
        *WATER_SCRIPTS,
        WATER_STYLE,
    }
    assert "BSD" in ASSETS.joinpath("LICENSE.leaflet").read_text("utf-8")


def test_style_sheets_keep_their_rules() -> None:
    assert ".leaflet-container" in read_style("leaflet.css")
    assert read_style("leaflet.css").count("{") == read_style("leaflet.css").count("}")

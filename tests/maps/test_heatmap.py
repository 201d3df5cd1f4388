"""Tables as pictures."""

import numpy as np
from defusedxml import ElementTree

from agroforest.maps.heatmap import draw_heatmap

SVG = "{http://www.w3.org/2000/svg}"


def test_colours_say_the_sign_and_names_are_only_text() -> None:
    numbers = np.array([[0.5, -0.25], [np.nan, 0.0]])
    picture = draw_heatmap(
        numbers, ("B04", "<script>"), ("1", "2"), title='a "b" & c', subtitle="红"
    )
    root = ElementTree.fromstring(picture)
    cells = [r.get("fill") for r in root.iter(f"{SVG}rect")][1:]
    assert cells == [
        "rgb(178, 24, 43)",
        "rgb(144, 178, 214)",
        "rgb(235, 235, 235)",
        "rgb(255, 255, 255)",
    ]
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert "<script>" in words
    assert 'a "b" & c' in words
    assert "+0.500" in words
    assert root.find(f".//{SVG}script") is None


def test_nothing_but_zeros() -> None:
    picture = draw_heatmap(np.zeros((1, 1)), ("a",), ("1",), title="t")
    assert ElementTree.fromstring(picture).tag == f"{SVG}svg"

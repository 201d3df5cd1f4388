"""The picture of what was found in a cube."""

import base64
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from agroforest.maps.watched import Watched, draw_watched

SVG = "{http://www.w3.org/2000/svg}"
SHAPE = (20, 30)
FELLED, STRESSED = (5, 7), (11, 3)


def make(**changes: Any) -> Watched:
    probability = np.full(changes.pop("shape", SHAPE), 0.1, np.float32)
    probability[:, 0] = np.nan
    detected = np.zeros(probability.shape, np.int32)
    kind = np.zeros(probability.shape, np.uint8)
    for at, code in ((FELLED, 2), (STRESSED, 1)):
        probability[at], detected[at], kind[at] = 0.9, 18_300, code
    return Watched(
        probability=probability,
        detected=detected,
        kind=kind,
        crs=changes.pop("crs", "EPSG:32649"),
        transform=changes.pop("transform", Affine(20, 0, 3e5, 0, -20, 25e5)),
        first=18_262,
        last=18_627,
    )


def maps(drawn: str) -> list[NDArray[np.uint8]]:
    """Colours of the three maps, ``(y, x, 4)``."""
    found = []
    for image in ElementTree.fromstring(drawn).iter(f"{SVG}image"):  # noqa: S314  our own
        content = base64.b64decode(image.attrib["href"].split(",")[1])
        with MemoryFile(content) as memory, memory.open() as raster:
            table = raster.colormap(1)
            if raster.height > 1:  # no legend
                found.append(
                    np.array([[table[c] for c in row] for row in raster.read(1)])
                )
    return found


def words(drawn: str) -> list[str]:
    return [t.text or "" for t in ElementTree.fromstring(drawn).iter(f"{SVG}text")]  # noqa: S314


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_what_is_found_shows_in_all_three() -> None:
    sure, since, kind = maps(draw_watched(make(), "c.nc"))
    for colours in (sure, since, kind):
        assert colours.shape == (*SHAPE, 4)
        assert not colours[:, 0, 3].any()  # not judged
        assert (colours[FELLED] != colours[0, 5]).any()
    assert since[..., 3].astype(bool).sum() == 2
    assert (kind[FELLED] != kind[STRESSED]).any()
    assert (sure[FELLED] == sure[STRESSED]).all()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_one_felled_pixel_stays_visible_on_a_large_map() -> None:
    drawn = draw_watched(make(shape=(1500, 2100)), "c.nc")
    for colours in maps(drawn):
        assert max(colours.shape) <= 1024
        row, column = (n // 3 for n in FELLED)
        assert (colours[row, column] != colours[100, 100]).any()
    assert "采伐 cut 1" in words(drawn)


@pytest.mark.parametrize(
    ("crs", "transform", "bar"),
    [
        ("EPSG:32649", Affine(20, 0, 3e5, 0, -20, 25e5), "200 m"),
        ("EPSG:4326", Affine(2e-4, 0, 108, 0, -1.8e-4, 23), "200 m"),
        ("EPSG:32649", Affine(500, 0, 3e5, 0, -500, 25e5), "5 km"),
        ('LOCAL_CS["no CRS stated",UNIT["metre",1]]', Affine(1, 0, 0, 0, -1, 20), ""),
    ],
)
def test_how_long_things_are(crs: str, transform: Affine, bar: str) -> None:
    drawn = draw_watched(make(crs=crs, transform=transform), "c.nc")
    said = [text for text in words(drawn) if text.endswith((" m", " km"))]
    assert said == ([bar] if bar else [])
    image = next(ElementTree.fromstring(drawn).iter(f"{SVG}image"))  # noqa: S314
    # Degrees are shorter eastwards; these pixels are square on the ground.
    high = float(image.attrib["height"]) / float(image.attrib["width"])
    assert high == pytest.approx(20 / 30, rel=0.03)


def test_names_are_escaped() -> None:
    drawn = draw_watched(make(), "<script>&.nc")
    assert "<script>" not in drawn
    assert any(text.endswith("<script>&.nc") for text in words(drawn))


def test_nothing_found_and_one_date() -> None:
    found = make()
    nothing = Watched(
        probability=np.full(SHAPE, np.nan),
        detected=np.zeros(SHAPE, np.int32),
        kind=np.zeros(SHAPE, np.uint8),
        crs=found.crs,
        transform=found.transform,
        first=18_262,
        last=18_262,
    )
    assert "胁迫 stress 0" in words(draw_watched(nothing, "c.nc"))

"""The harvest guard: what counts as evidence of fire, and when."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.fire.scar_guard import Hotspots, find_char, read_hotspots, weigh

SCAR = shapely.box(108.30, 22.80, 108.31, 22.81)
AFTER = date(2024, 3, 20)


def event(name: str, first: str, last: str, **changes: Any) -> dict[str, Any]:
    place = changes.pop("place", shapely.box(108.305, 22.805, 108.309, 22.809))
    return {
        "type": "Feature",
        "properties": {
            "id": name,
            "first_utc": f"{first}T05:00Z",
            "last_utc": f"{last}T18:30Z",
            "static": False,
            **changes,
        },
        "geometry": json.loads(shapely.to_geojson(place)),
    }


def hotspots(folder: Path, *events: dict[str, Any]) -> Hotspots:
    path = folder / "events.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": events}))
    return read_hotspots(path)


def test_a_hotspot_of_the_fortnight_dates_the_fire(tmp_path: Path) -> None:
    spots = hotspots(
        tmp_path,
        event("a", "2024-03-06", "2024-03-07"),
        event("b", "2024-03-08", "2024-03-09"),
    )
    found = weigh(SCAR, 0.0, spots, before=date(2024, 3, 1), after=AFTER)
    assert found.fire
    assert found.events == ("a", "b")
    assert (found.begun, found.ended) == (date(2024, 3, 6), date(2024, 3, 9))
    assert found.dated_by == "hotspots"
    assert found.words == "hotspot"


@pytest.mark.parametrize(
    ("spot", "older"),
    [
        (event("old", "2024-03-01", "2024-03-04"), 1),  # 16 days before
        (event("later", "2024-03-21", "2024-03-22"), 0),
        (event("kiln", "2024-03-10", "2024-03-12", static=True), 0),
        (
            event(
                "elsewhere",
                "2024-03-10",
                "2024-03-12",
                place=shapely.box(108.40, 22.80, 108.41, 22.81),
            ),
            0,
        ),
    ],
)
def test_other_hotspots_do_not_count(
    tmp_path: Path, spot: dict[str, Any], older: int
) -> None:
    found = weigh(SCAR, 0.1, hotspots(tmp_path, spot), before=None, after=AFTER)
    assert not found.fire
    assert found.older == older
    assert found.words == "none"


def test_a_fire_over_before_the_first_image_is_not_what_changed(
    tmp_path: Path,
) -> None:
    spots = hotspots(tmp_path, event("a", "2024-03-06", "2024-03-07"))
    found = weigh(SCAR, 0.0, spots, before=date(2024, 3, 12), after=AFTER)
    assert not found.fire


def test_without_hotspots_char_speaks_and_the_images_date() -> None:
    found = weigh(SCAR, 0.5, None, before=date(2024, 3, 1), after=AFTER)
    assert found.fire
    assert found.words == "char"
    assert (found.begun, found.ended, found.dated_by) == (
        date(2024, 3, 1),
        AFTER,
        "images",
    )
    assert weigh(SCAR, float("nan"), None, before=None, after=None).fire is False


def test_char_is_dark_and_reversed_in_the_infrared() -> None:
    # char, forest, bright bare soil, water, cloud shadow's edge, unseen
    bands = np.array(
        [
            [0.045, 0.03, 0.10, 0.06, np.nan],
            [0.055, 0.05, 0.14, 0.05, np.nan],
            [0.060, 0.035, 0.19, 0.03, np.nan],
            [0.10, 0.34, 0.27, 0.015, np.nan],
            [0.21, 0.09, 0.36, 0.010, np.nan],
        ],
        np.float32,
    )[:, None, :]
    assert find_char(bands)[0].tolist() == [True, False, False, False, False]


def test_a_file_that_is_no_table_of_events_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        read_hotspots(tmp_path / "none.geojson")
    path = tmp_path / "other.geojson"
    for text in ("{", "[]", '{"features": [{"properties": {}, "geometry": null}]}'):
        path.write_text(text)
        with pytest.raises(DataError, match="fire hotspots"):
            read_hotspots(path)

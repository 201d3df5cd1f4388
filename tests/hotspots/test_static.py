import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from tests.hotspots.made import detections_at

from agroforest.hotspots.detections import Detections, concatenate
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.static import (
    StaticRule,
    StaticSource,
    find_static,
    learn_static,
    read_static,
    write_static,
)

_START = datetime(2022, 1, 1, 5, 0, tzinfo=UTC)
_WORKS = (109.382, 24.385)


def _year() -> tuple[Detections, int]:
    """A steel works, a field that burns each spring, and fires that come once."""
    rng = np.random.default_rng(0)
    works = [
        (*(_WORKS + rng.normal(0, 0.002, 2)), _START + timedelta(days=20 * n, hours=h))
        for n, h in enumerate([0, 13] * 9)
    ]
    field = [(108.0, 23.0, _START + timedelta(days=80 + n, hours=0)) for n in range(18)]
    fires = [
        (*rng.uniform((106, 22), (108, 24)), _START + timedelta(days=int(d)))
        for d in rng.integers(0, 365, 200)
    ]
    parts = [
        detections_at(works[::2]),
        detections_at(works[1::2], daynight="N"),
        detections_at(field),
        detections_at(fires),
    ]
    return concatenate(parts), len(works)


def test_what_is_hot_in_every_season_by_day_and_night_is_static():
    seen, works = _year()
    (source,) = learn_static(seen)
    assert source.geometry.contains(shapely.Point(_WORKS))
    assert (source.learned, source.detections, source.days) == (True, works, works)
    assert source.night_share == 0.5
    assert source.months >= 10
    static = find_static(seen, [source])
    assert static[:works].all()
    assert not static[works:].any()


@pytest.mark.parametrize(
    "rule",
    [
        StaticRule(days=19),
        StaticRule(day_share=0.2),
        StaticRule(months=13),
        StaticRule(night_share=0.51),
        StaticRule(observed_days=400),
        StaticRule(radius_km=0.01),
    ],
)
def test_every_threshold_counts(rule):
    assert learn_static(_year()[0], rule=rule) == []


def test_a_field_needs_only_the_night_and_the_seasons_to_be_taken_for_static():
    found = learn_static(_year()[0], rule=StaticRule(months=1, night_share=0.0))
    assert len(found) == 2


def test_what_firms_calls_static_is():
    seen = detections_at([(108, 23, _START)], type="2")
    assert find_static(seen, []).tolist() == [True]
    seen = detections_at([(108, 23, _START)], type="0")
    assert find_static(seen, []).tolist() == [False]


def test_a_mask_can_be_written_edited_and_read(tmp_path):
    seen, works = _year()
    path = tmp_path / "static.geojson"
    write_static(path, learn_static(seen))
    assert read_static(path) == learn_static(seen)

    document = json.loads(path.read_text(encoding="utf-8"))
    document["features"][0]["properties"]["status"] = "fire"
    drawn = {
        "type": "Feature",
        "properties": {},
        "geometry": shapely.geometry.mapping(shapely.box(107.9, 22.9, 108.1, 23.1)),
    }
    document["features"].append(drawn)
    path.write_text(json.dumps(document), encoding="utf-8")

    edited = read_static(path)
    static = find_static(seen, edited)
    assert not static[:works].any()
    assert static[works : works + 18].all()
    # Learning again keeps both decisions.
    again = learn_static(seen, known=edited)
    assert [s.burns for s in again] == [True, False]
    assert not again[1].learned


def test_an_empty_mask_is_a_mask(tmp_path):
    path = tmp_path / "static.geojson"
    write_static(path, [])
    assert read_static(path) == []


def test_fire_has_the_last_word():
    seen = detections_at([(108, 23, _START)])
    box = shapely.box(107, 22, 109, 24)
    both = [
        StaticSource(id="a", geometry=box, burns=True),
        StaticSource(id="b", geometry=box),
    ]
    assert not find_static(seen, both).any()


@pytest.mark.data
def test_the_two_works_of_guangxi_are_found(data_dir):
    feed = read_firms([data_dir / "hotspots_guangxi" / "modis_c61_nrt.csv"]).detections
    liuzhou, yunfu = learn_static(feed)
    assert liuzhou.geometry.contains(shapely.Point(109.385, 24.386))
    assert yunfu.geometry.contains(shapely.Point(111.574, 23.242))
    assert find_static(feed, [liuzhou, yunfu]).sum() < 25

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hotspots.made import detections_at, modis_row, read_modis

from agroforest.hotspots import links
from agroforest.hotspots.detections import Detections, concatenate
from agroforest.hotspots.events import Events, no_events, step
from agroforest.hotspots.firms import read_firms
from agroforest.hotspots.links import label_chains

_NOON = datetime(2022, 4, 7, 5, 0, tzinfo=UTC)
_KM = 1 / 111.195  # degrees of latitude


def _line(*kilometres: float, hours: tuple[float, ...] = ()) -> Detections:
    hours = hours or (0.0,) * len(kilometres)
    return detections_at(
        (108.5, 23.0 + km * _KM, _NOON + timedelta(hours=h))
        for km, h in zip(kilometres, hours, strict=True)
    )


@pytest.mark.parametrize(
    ("apart_km", "hours", "events"),
    [
        # 0.39 by 0.36 km: half a diagonal is 265 m, twice that 531 m.
        *((0.52, 1, 1), (0.54, 1, 2)),
        *((0.3, 35.9, 1), (0.3, 36.1, 2)),
    ],
)
def test_what_touches_in_place_and_time_is_one_event(apart_km, hours, events):
    found = step(no_events(), _line(0, apart_km, hours=(0, hours)))
    assert len(found) == events


@pytest.mark.parametrize(
    ("scan", "track", "apart_km", "events"),
    [
        *((1.0, 1.0, 1.40, 1), (1.0, 1.0, 1.43, 2)),  # half the diagonal: 0.707 km
        *((4.8, 2.0, 1.99, 1), (4.8, 2.0, 2.01, 2)),  # no more than 1 km each
        *(("", "", 1.40, 1), ("", "", 1.43, 2)),  # the nominal pixel
    ],
)
def test_reach_grows_towards_the_edge_of_the_scan(scan, track, apart_km, events):
    rows = [
        modis_row(latitude=f"{23 + km * _KM:.6f}", scan=scan, track=track)
        for km in (0, apart_km)
    ]
    assert len(step(no_events(), read_modis(*rows))) == events


def test_chains_go_on_from_night_to_night():
    found = step(no_events(), _line(0, 0.4, 0.8, 1.2, hours=(0, 30, 60, 90)))
    assert len(found) == 1
    assert found.last[0] - found.first[0] == np.timedelta64(90, "h")


def test_the_date_line_is_no_border():
    found = detections_at([(179.999, 0.0, _NOON), (-179.999, 0.0, _NOON)])
    events = step(no_events(), found)
    assert len(events) == 1
    assert abs(abs(events.centre[0][0]) - 180) < 1e-3


def test_figures_of_an_event():
    rows = [
        modis_row(frp=10, confidence=20),
        modis_row(frp=30, confidence=90, acq_time=600, satellite="A"),
        modis_row(frp="", latitude=23.505, daynight="N", acq_time=1500),
    ]
    event = step(no_events(), read_modis(*rows))
    assert event.size.tolist() == [3]
    assert event.first[0] == np.datetime64("2022-04-07T02:51")
    assert event.last[0] == np.datetime64("2022-04-07T15:00")
    assert event.greatest(event.detections.frp)[0] == 30
    assert event.confidence[0] == 2
    assert not event.sure_viirs[0]
    assert np.allclose(event.centre, [[108.5], [23.5 + 0.005 / 3]], rtol=0, atol=1e-6)


def test_outlines_hold_their_detections():
    events = step(no_events(), _line(0, 0.5, 0.9, 5))
    first, second = events.outlines()
    seen = events.detections
    inside = shapely.contains_xy(first, seen.longitude, seen.latitude)
    assert np.asarray(inside).tolist() == [True, True, True, False]
    assert shapely.contains_xy(second, seen.longitude[3], seen.latitude[3])
    # A single VIIRS pixel: a circle of 265 m.
    assert second.area / _KM**2 * np.cos(np.radians(23)) == pytest.approx(
        np.pi * 0.265**2, rel=0.06
    )


def test_nothing_gives_nothing():
    events = step(no_events(), no_events().detections)
    assert len(events) == 0
    assert len(events.outlines()) == 0
    assert len(events.size) == len(events.first) == len(events.confidence) == 0


def _same(one: Events, other: Events) -> bool:
    return (
        np.array_equal(one.id, other.id)
        and np.array_equal(one.start, other.start)
        and np.array_equal(one.detections.key, other.detections.key)
    )


def test_an_id_stays_while_the_event_grows_and_the_older_wins():
    early = step(no_events(), _line(0, 1.0, hours=(0, 5)))
    assert len(early) == 2
    grown = step(early, _line(0.5, hours=(10,)))
    assert len(grown) == 1
    assert grown.id[0] == early.id[0]


def test_a_night_replayed_changes_nothing():
    night = _line(0, 0.3, 4)
    once = step(no_events(), night)
    assert _same(step(once, night), once)


_DETECTION = st.tuples(st.floats(0, 3), st.floats(0, 3), st.integers(0, 10 * 24 * 60))


@given(st.lists(st.lists(_DETECTION, min_size=1, max_size=12), min_size=1, max_size=5))
@settings(max_examples=60)
def test_night_by_night_is_all_at_once(nights):
    feeds = [
        detections_at(
            (108 + x * _KM, 23 + y * _KM, _NOON + timedelta(minutes=m))
            for x, y, m in night
        )
        for night in nights
    ]
    by_night = no_events()
    for feed in feeds:
        by_night = step(by_night, feed)
    at_once = step(no_events(), concatenate(feeds[::-1]))
    assert _same(by_night, at_once)


@given(st.lists(_DETECTION, min_size=1, max_size=25))
@settings(max_examples=60)
def test_chains_are_those_of_comparing_every_pair(places):
    seen = detections_at(
        (108 + x * _KM, 23 + y * _KM, _NOON + timedelta(minutes=m))
        for x, y, m in places
    )
    label = label_chains(seen, gap_hours=36)
    lon, lat = np.radians(seen.longitude), np.radians(seen.latitude)
    sine = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    km = 2 * 6371.0088 * np.arcsin(np.sqrt(sine))
    linked = km <= seen.reach_km[:, None] + seen.reach_km
    linked &= np.abs(seen.time[:, None] - seen.time) <= np.timedelta64(36, "h")
    for _ in range(len(seen)):
        linked = linked @ linked
    assert np.array_equal(linked, label[:, None] == label)


@pytest.mark.data
def test_real_days_one_by_one_are_all_at_once(data_dir):
    feed = read_firms([data_dir / "hotspots_guangxi" / "modis_c61_nrt.csv"]).detections
    at_once = step(no_events(), feed)
    days = feed.time.astype("datetime64[D]")
    by_day = no_events()
    for day in np.unique(days)[::-1]:
        by_day = step(by_day, feed.take(days == day))
    assert _same(by_day, at_once)
    assert 2000 < len(at_once) < 2500


def test_a_crowd_is_grouped_in_blocks_as_it_is_at_once(monkeypatch):
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 8 * _KM, (200, 2))
    seen = detections_at(
        (108 + x, 23 + y, _NOON + timedelta(minutes=int(m)))
        for (x, y), m in zip(places, rng.integers(0, 5000, 200), strict=True)
    )
    whole = label_chains(seen, gap_hours=36)
    monkeypatch.setattr(links, "_AT_ONCE", 300)
    parts = label_chains(seen, gap_hours=36)
    same = whole[:, None] == whole
    assert np.array_equal(same, parts[:, None] == parts)
    assert 1 < same.sum() / len(seen) < len(seen)


@pytest.mark.parametrize(("apart_km", "events"), [(0.37, 1), (0.38, 2)])
def test_fine_pixels_join_over_half_a_viirs_pixel_each(apart_km, events):
    """FIRMS numbers the pixels of Landsat in `scan` and `track`: no kilometres."""
    rows = [
        modis_row(latitude=f"{23 + km * _KM:.6f}", satellite="L8", scan=812, track=3344)
        for km in (0, apart_km)
    ]
    assert len(step(no_events(), read_modis(*rows))) == events

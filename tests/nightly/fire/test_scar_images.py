"""Which images a scar is mapped with, decided without a pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.core.scene import Asset, Granule, MaskKind, Scene
from agroforest.nightly.fire.scar_images import (
    BurnedPlace,
    Chosen,
    choose_images,
    find_lacking,
)

HERE = shapely.box(108.30, 22.80, 108.31, 22.81)
FIRST, LAST = date(2024, 3, 8), date(2024, 3, 10)
PLACE = BurnedPlace(alert="f1", outline=HERE, first=FIRST, last=LAST)
NIGHT = date(2024, 6, 1)
BANDS = ("B02", "B03", "B04", "B08", "B12")
_FILE = Asset(href="/nowhere.tif", resolution=20.0)


def granule(day: date, **changes: object) -> Granule:
    made = Granule(
        id=f"made-{day}",
        collection="sentinel-2-l2a",
        platform="sentinel-2a",
        place="49QCE",
        sensed=datetime.combine(day, time(3, 15), tzinfo=UTC),
        baseline="05.11",
        crs="EPSG:32648",
        footprint=shapely.buffer(HERE, 0.5),
        bands=dict.fromkeys(BANDS, _FILE),
        mask=_FILE,
        mask_kind=MaskKind.SCL,
    )
    return made.patch(**changes)


class Shelf:
    """A catalogue in memory."""

    def __init__(self, granules: Sequence[Granule]) -> None:
        self.granules = granules

    def find_granules(
        self,
        area: BaseGeometry,
        start: date,
        end: date,
        *,
        collections: Sequence[str] = (),
        max_cloud_cover: float | None = None,
    ) -> list[Granule]:
        assert max_cloud_cover is None
        return [
            one
            for one in self.granules
            if start <= one.sensed.date() <= end
            and one.footprint.intersects(area)
            and (not collections or one.collection in collections)
        ]


def choose(
    *granules: Granule,
    shares: Mapping[date, float] | None = None,
    damaged: Sequence[date] = (),
    night: date = NIGHT,
    **more: float,
) -> tuple[Chosen, list[date]]:
    """Choose, and tell which days were looked at."""
    looked: list[date] = []

    def see(scene: Scene) -> float:
        looked.append(scene.date)
        if scene.date in damaged:
            raise DataError(scene.id, "is damaged", "fetch it again")
        return (shares or {}).get(scene.date, 1.0)

    chosen = choose_images(
        *(PLACE, Shelf(granules)),
        night=night,
        see=see,
        max_cloud_cover=more.get("max_cloud_cover"),
        lookback_days=int(more.get("lookback_days", 0)),
    )
    return chosen, looked


def after(days: int) -> date:
    return LAST + timedelta(days=days)


def before(days: int) -> date:
    return FIRST - timedelta(days=days)


def days_of(chosen: Chosen) -> tuple[date | None, date | None]:
    return (
        chosen.after.date if chosen.after else None,
        chosen.before.date if chosen.before else None,
    )


def test_the_first_after_and_the_newest_before() -> None:
    days = [after(0), after(1), after(6), before(1), before(6), before(0)]
    chosen, looked = choose(*map(granule, days))
    assert days_of(chosen) == (after(1), before(1))
    assert looked == [after(1), before(1)]
    assert chosen.over


def test_those_that_show_too_little_are_passed_over_on_both_sides() -> None:
    days = [after(1), after(6), before(1), before(6)]
    shares = {after(1): 0.59, after(6): 0.6, before(1): 0.3}
    chosen, _ = choose(*map(granule, days), shares=shares)
    assert days_of(chosen) == (after(6), before(6))


def test_days_that_are_too_far_off_do_not_count() -> None:
    edge, _ = choose(granule(after(45)), granule(before(60)))
    assert days_of(edge) == (after(45), before(60))
    late, looked = choose(granule(after(46)))
    assert (late.after, looked) == (None, [])
    other_season, _ = choose(granule(after(1)), granule(before(61)))
    assert days_of(other_season) == (after(1), None)


def test_a_year_ago_the_nearest_day_counts() -> None:
    same = after(5) - timedelta(days=365)
    days = [after(5), *(same + timedelta(days=n) for n in (-20, -4, 9, 30))]
    chosen, looked = choose(*map(granule, days))
    assert days_of(chosen) == (after(5), same - timedelta(days=4))
    assert len(looked) == 2
    too_old, _ = choose(granule(after(5)), granule(before(401)))
    assert too_old.before is None


def test_nothing_before_is_asked_for_while_nothing_is_there_after() -> None:
    chosen, looked = choose(granule(before(1)))
    assert (days_of(chosen), looked) == ((None, None), [])


def test_only_sentinel_2_that_touches_the_place_is_taken() -> None:
    landsat = granule(after(1), collection="landsat-c2-l2")
    beside = granule(after(2), footprint=shapely.box(108.32, 22.80, 108.33, 22.81))
    theia = granule(after(3), collection="sentinel-2-l2a-theia")
    chosen, _ = choose(landsat, beside, theia)
    assert days_of(chosen)[0] == after(3)


def test_a_narrow_near_infrared_will_do() -> None:
    names = ("B02", "B03", "B04", "B8A", "B12")
    chosen, _ = choose(granule(after(1), bands=dict.fromkeys(names, _FILE)))
    assert days_of(chosen)[0] == after(1)
    assert find_lacking(frozenset({"B02", "B8A"})) == {"B03", "B04", "B12"}
    assert find_lacking(frozenset(BANDS) - {"B08"}) == {"B08"}


@pytest.mark.parametrize(
    ("night", "over"), [(after(45), False), (after(55), False), (after(56), True)]
)
def test_it_is_waited_for_as_long_as_a_scene_may_come(night: date, over: bool) -> None:
    chosen, _ = choose(night=night, lookback_days=10)
    assert chosen.over is over
    assert chosen.waiting_en.startswith("no image since the fire")
    assert ("no longer" in chosen.waiting_en) is over
    assert ("不再" in chosen.waiting_zh) is over


def test_why_nothing_is_chosen_is_said_with_its_numbers() -> None:
    days = [after(1), after(6), after(11)]
    clouded, _ = choose(
        *map(granule, days),
        shares={after(1): 0.1, after(6): 0.42, after(11): 0.2},
    )
    assert "3 images" in clouded.waiting_en
    assert "42%" in clouded.waiting_en
    assert "3 景" in clouded.waiting_zh
    assert "42%" in clouded.waiting_zh
    broken, _ = choose(*map(granule, days), damaged=days)
    assert "can be read" in broken.waiting_en
    assert len(broken.refused) == 3
    bare, looked = choose(*(granule(day, bands={"B04": _FILE}) for day in days))
    assert "B02 B03 B08 B12" in bare.waiting_en
    assert looked == []


def test_scenes_stated_too_cloudy_are_not_looked_at() -> None:
    chosen, looked = choose(
        granule(after(1), cloud_cover=95.0),
        granule(after(6), cloud_cover=70.0),
        max_cloud_cover=80.0,
    )
    assert days_of(chosen)[0] == after(6)
    assert looked == [after(6)]


def test_the_window_lies_on_multiples_of_20_m_whatever_the_place() -> None:
    wide, narrow = PLACE.grid(3000), PLACE.grid(20)
    assert wide.crs == narrow.crs == "EPSG:32649"
    for grid in (wide, narrow):
        assert grid.left % 20 == grid.top % 20 == 0
    assert (narrow.left - wide.left) / 20 == pytest.approx(149, abs=1)
    at_a_point = replace(PLACE, outline=HERE.centroid)
    assert at_a_point.grid(20).contains(at_a_point.within(20)).any()

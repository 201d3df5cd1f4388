"""Planning is pure: a catalogue of values in, tasks out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from agroforest.core.config import BaselineSection, Pipeline, ScenesSection
from agroforest.core.grid import find_tiles
from agroforest.core.scene import Asset, Granule, MaskKind
from agroforest.nightly.plan import Plan, Watch, plan_night
from agroforest.nightly.workplace import Workplace

AREA = shapely.box(108.40, 22.90, 108.41, 22.91)
END = date(2024, 5, 31)
NIGHT = date(2024, 6, 20)


def granule(day: date, *, hour: int = 3, content: str = "a") -> Granule:
    asset = Asset(href=f"/x/{day}-{hour}", resolution=10, sha256=content)
    return Granule(
        id=f"S2_{day:%Y%m%d}_{hour}",
        collection="sentinel-2-l2a",
        platform="sentinel-2a",
        place="49QBE",
        sensed=datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
        baseline="05.11",
        crs="EPSG:32649",
        footprint=AREA.buffer(0.1),
        bands={"B04": asset},
        mask=asset,
        mask_kind=MaskKind.SCL,
    )


class Shelf:
    """A catalogue of values; also says how far back it was asked."""

    def __init__(self, granules: Sequence[Granule]) -> None:
        self.granules = granules
        self.asked: list[tuple[date, date]] = []

    def find_granules(
        self,
        area: BaseGeometry,
        start: date,
        end: date,
        *,
        collections: Sequence[str] = (),
        max_cloud_cover: float | None = None,
    ) -> list[Granule]:
        del collections, max_cloud_cover
        self.asked.append((start, end))
        return [
            g
            for g in self.granules
            if start <= g.sensed.date() <= end and g.footprint.intersects(area)
        ]


def watch(model: str = "m1") -> Watch:
    pipeline = Pipeline(
        name="p",
        aoi=Path("a.geojson"),
        baseline=BaselineSection(start=date(2022, 6, 1), end=END),
        scenes=ScenesSection(lookback_days=10),
    )
    return Watch(
        pipeline=pipeline,
        workplace=Workplace(root=Path("/w"), pipeline="p"),
        tiles=find_tiles(AREA, resolution=10, size=100_000),
        forest=None,
        ground="everywhere",
        model=model,
    )


TILE = watch().tiles[0].id


def plan(
    granules: Sequence[Granule],
    night: date = NIGHT,
    uses: dict[str, date] | None = None,
    *,
    known: bool = True,
    model: str = "m1",
) -> Plan:
    return plan_night(
        watch(model),
        Shelf(granules),
        night,
        known={TILE: known},
        uses={TILE: uses or {}},
    )


def days(planned: Plan) -> list[date]:
    return [s.date for t in planned.tasks for s in t.scenes]


def content(one: Granule) -> str:
    (scene,) = (s for t in plan([one], one.sensed.date()).tasks for s in t.scenes)
    return scene.content()


def test_the_area_is_one_tile() -> None:
    assert [t.id for t in watch().tiles] == [TILE]


def test_only_the_window_counts() -> None:
    shelf = [granule(NIGHT - timedelta(days=n)) for n in (0, 10, 11, 60)]
    assert days(plan([*shelf, granule(NIGHT + timedelta(days=1))])) == [
        NIGHT - timedelta(days=10),
        NIGHT,
    ]


def test_the_history_is_not_judged() -> None:
    night = END + timedelta(days=3)
    shelf = [granule(END), granule(END + timedelta(days=1))]
    assert days(plan(shelf, night)) == [END + timedelta(days=1)]


def test_a_quiet_night_has_no_task_and_asks_for_ten_days_only() -> None:
    shelf = Shelf([granule(date(2023, 1, 1))])
    quiet = plan_night(watch(), shelf, NIGHT, known={TILE: True}, uses={})
    assert (quiet.baselines, quiet.tasks) == ((), ())
    assert shelf.asked == [(NIGHT - timedelta(days=10), NIGHT)]


def test_what_an_earlier_night_took_is_not_taken_again() -> None:
    old, new = granule(NIGHT - timedelta(days=5)), granule(NIGHT)
    uses = {content(old): NIGHT - timedelta(days=4)}
    assert days(plan([old, new], uses=uses)) == [NIGHT]


def test_a_late_scene_is_taken_by_the_next_night() -> None:
    late = granule(NIGHT - timedelta(days=5))
    uses = {"something else": NIGHT - timedelta(days=1)}
    assert days(plan([late], uses=uses)) == [late.sensed.date()]


def test_an_overtaken_night_does_nothing_more() -> None:
    mine, late = granule(NIGHT - timedelta(days=1)), granule(NIGHT)
    uses = {content(mine): NIGHT, "later": NIGHT + timedelta(days=5)}
    assert plan([mine, late], uses=uses).tasks == ()


def test_the_last_night_run_again_is_the_same_task() -> None:
    mine = granule(NIGHT - timedelta(days=1))
    again = plan([mine], uses={content(mine): NIGHT})
    assert again.tasks == plan([mine]).tasks


def test_a_second_pass_of_a_day_reads_the_day_again() -> None:
    morning, noon = granule(NIGHT, hour=3), granule(NIGHT, hour=6)
    taken = {content(morning): NIGHT - timedelta(days=1)}
    planned = plan([morning, noon], uses=taken)
    assert days(planned) == [NIGHT, NIGHT]


def test_a_mended_file_is_taken_again() -> None:
    broken, mended = granule(NIGHT, content="a"), granule(NIGHT, content="b")
    uses = {content(broken): NIGHT}
    assert days(plan([mended], uses=uses)) == [NIGHT]
    assert plan([mended], uses=uses).tasks[0].id != plan([broken]).tasks[0].id


def test_the_first_night_learns_history_and_what_lies_between() -> None:
    history = granule(date(2023, 6, 1))
    between = granule(NIGHT - timedelta(days=15))
    shelf = [history, between, granule(NIGHT), granule(date(2022, 5, 1))]
    first = plan(shelf, known=False)
    (task,) = first.baselines
    assert [s.date for s in task.scenes] == [
        history.sensed.date(),
        between.sensed.date(),
    ]
    assert days(first) == [NIGHT]


def test_settings_change_means_another_state() -> None:
    one = plan([granule(NIGHT)]).tasks[0]
    other_settings = watch()
    changed = Watch(
        pipeline=other_settings.pipeline.model_copy(
            update={"baseline": BaselineSection(start=date(2021, 6, 1), end=END)}
        ),
        workplace=other_settings.workplace,
        tiles=other_settings.tiles,
        forest=None,
        ground="everywhere",
        model="m1",
    )
    planned = plan_night(
        changed, Shelf([granule(NIGHT)]), NIGHT, known={TILE: True}, uses={}
    )
    assert planned.tasks[0].id != one.id
    assert planned.tasks[0].state_group != one.state_group


def test_another_model_means_another_task_on_the_same_state() -> None:
    one, two = (plan([granule(NIGHT)], model=m).tasks[0] for m in ("m1", "m2"))
    assert one.id != two.id
    assert one.state_group == two.state_group


@given(st.sets(st.integers(0, 25), max_size=6), st.integers(0, 12))
def test_running_the_nights_in_order_takes_every_scene_once(
    offsets: set[int], pause: int
) -> None:
    """Whatever comes within the look-back is taken by exactly one night."""
    shelf = [granule(END + timedelta(days=1 + n)) for n in sorted(offsets)]
    uses: dict[str, date] = {}
    taken: list[date] = []
    night = END + timedelta(days=1)
    while night <= END + timedelta(days=40):
        planned = plan(shelf, night, dict(uses))
        assert plan(shelf, night, dict(uses)) == planned
        for task in planned.tasks:
            for scene in task.scenes:
                taken.append(scene.date)
                uses[scene.content()] = night
        night += timedelta(days=1 + min(pause, 9))
    assert taken == [g.sensed.date() for g in shelf]


@pytest.mark.parametrize("lookback", [0, 3])
def test_nights_inside_the_history_have_nothing_to_judge(lookback: int) -> None:
    night = END - timedelta(days=lookback)
    assert plan([granule(night)], night).tasks == ()

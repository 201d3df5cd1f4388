"""The arithmetic of estimates: laws, figures, files, nights that follow one another."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.nightly.test_plan import END, TILE, Shelf, granule, watch

from agroforest import __version__
from agroforest.core.grid import Grid, Tile
from agroforest.core.scene import Asset, build_scene
from agroforest.cube import write_cog
from agroforest.nightly.outlook.estimate import estimate
from agroforest.nightly.outlook.experience import Experience, read_experience
from agroforest.nightly.outlook.figures import (
    Figures,
    Law,
    Load,
    OpeningFigures,
    PageFigures,
    StateFigures,
    TaskFigures,
    load_figures,
    save_figures,
)
from agroforest.nightly.outlook.lookahead import unroll
from agroforest.nightly.outlook.machine import Machine, read_machine
from agroforest.nightly.outlook.rates import Cost, Means, Night, longest
from agroforest.nightly.outlook.survey import (
    Survey,
    Volume,
    forest_share,
    measure_volume,
    spread,
    survey,
)
from agroforest.nightly.plan import Plan, TaskKind, TileTask, Watch, plan_night
from agroforest.nightly.power.rapl import EnergyMeter
from agroforest.nightly.workplace import Workplace

MACHINE = Machine(processor="abacus", cores=4, memory_gb=16.0, versions={"python": "3"})
NOTHING = Survey(loads=(), volume=Volume(), looked_at=0)


def tasks_of(law: Law) -> TaskFigures:
    return TaskFigures(
        wall_s=law,
        cpu_s=law,
        output_bytes=Law(scene=1000.0),
        files=Law(scene=2.0),
        memory_bytes=Law(task=5e8, mpx=1e8),
    )


FIGURES = Figures(
    measured=datetime(2024, 6, 1, tzinfo=UTC),
    machine=MACHINE,
    settings="s",
    scenes=48,
    own=True,
    took_s=20.0,
    start_s=3.0,
    first_s=2.0,
    baseline=replace(
        tasks_of(Law(task=1.0, scene_mpx=0.5)), output_bytes=Law(), files=Law()
    ),
    night=tasks_of(Law(task=2.0, forest_mpx=4.0)),
    opening=OpeningFigures(wall_s=Law(forest_mpx=7.0), cpu_s=Law(forest_mpx=6.0)),
    state=StateFigures(task=100.0, pixel=80.0, slot=5.0),
    page=PageFigures(
        night_s=1.0, layer_s=0.25, night_bytes=1e6, layer_bytes=2e5, hazards=2
    ),
    clear=0.5,
    seen=0.8,
    load=0.1,
)


# ------------------------------------------------------------------- laws

PART = st.floats(0.0, 100.0)
NAMES = ("task", "scene", "mpx", "scene_mpx", "forest_mpx", "scene_forest_mpx")


@given(st.tuples(PART, PART, PART, PART, PART, PART))
def test_a_law_is_found_again_from_its_own_costs(
    parts: tuple[float, float, float, float, float, float],
) -> None:
    assume(sum(parts) > 0.1)
    law = Law(**dict(zip(NAMES, parts, strict=True)))
    loads = [Load(scenes=n, mpx=m, forest_mpx=m / 2) for n in (1, 4) for m in (0.25, 1)]
    loads += [Load(scenes=n, mpx=1) for n in (1, 4)]
    found = Law.fit(loads, [law.at(load) for load in loads])
    for load in (*loads, Load(scenes=20, mpx=3, forest_mpx=1)):
        assert found.at(load) == pytest.approx(law.at(load), rel=1e-6)


def test_costs_that_fall_make_no_negative_part() -> None:
    loads = [Load(scenes=1, mpx=m) for m in (1.0, 2.0, 4.0)]
    found = Law.fit(loads, [3.0, 2.0, 1.0])
    assert min(found.at(Load(scenes=1, mpx=m)) for m in (0.0, 1.0, 100.0)) >= 0.0


def test_a_cost_of_nothing_stays_nothing() -> None:
    loads = [Load(scenes=n, mpx=1.0) for n in (1, 2)]
    assert Law.fit(loads, [0.0, 0.0]).at(Load(scenes=9, mpx=9)) == 0.0


def test_a_state_is_split_into_seasons_and_observations() -> None:
    modelled, filled = [1000, 4000, 4000, 8000], [2000, 9000, 60_000, 100_000]
    size = [100 + 80 * m + 5 * f for m, f in zip(modelled, filled, strict=True)]
    assert StateFigures.fit(modelled, filled, size).at(1.0, 16) == pytest.approx(
        100 + 1e6 * (80 + 5 * 16)
    )


def test_the_longest_tasks_go_first() -> None:
    # 3 and 3 in parallel, then 2 and 2, then 2: 7, where 6 could be had.
    assert longest([2, 3, 2, 3, 2], 2) == 7
    assert longest([], 3) == 0


@given(st.lists(st.floats(0.0, 100.0), max_size=20), st.integers(1, 5))
def test_no_schedule_beats_the_bounds(seconds: list[float], workers: int) -> None:
    found = longest(seconds, workers)
    longest_task = max(seconds, default=0.0)
    assert found >= max(longest_task, sum(seconds) / workers) - 1e-6
    assert found <= sum(seconds) / workers + longest_task + 1e-6


# ------------------------------------------------------- figures on the disk


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    assert load_figures(path, machine=MACHINE, settings="s") is None
    save_figures(path, FIGURES)
    assert load_figures(path, machine=MACHINE, settings="s") == FIGURES


@pytest.mark.parametrize("harm", ["machine", "settings", "damaged", "other release"])
def test_figures_of_another_time_or_place_do_not_hold(
    tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "figures.json"
    save_figures(path, FIGURES)
    machine, settings = MACHINE, "s"
    if harm == "machine":
        machine = replace(MACHINE, versions={"python": "4"})
    elif harm == "settings":
        settings = "t"
    elif harm == "damaged":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.write_text(json.dumps({"measured": "2020-01-01"}))
    assert load_figures(path, machine=machine, settings=settings) is None


def test_this_machine_is_described() -> None:
    machine = read_machine()
    assert machine.cores >= 1
    assert machine.memory_gb > 0.1
    assert machine.versions["agroforest"] == __version__
    # 4 W a core and 3 W for 8 GB.
    assert MACHINE.watts() == 4 * 4 + 16 * 3 / 8
    assert MACHINE.watts(10.0) == 4 * 10 + 16 * 3 / 8


def write_counter(root: Path, name: str, energy: int) -> None:
    package = root / name
    package.mkdir(exist_ok=True)
    (package / "energy_uj").write_text(f"{energy}\n")
    (package / "max_energy_range_uj").write_text("1000000000\n")


def test_energy_counters_are_added_over_packages_and_wrap(tmp_path: Path) -> None:
    for name, energy in (("intel-rapl:0", 999_000_000), ("intel-rapl:1", 5_000_000)):
        write_counter(tmp_path, name, energy)
    write_counter(tmp_path, "intel-rapl:0:0", 1)  # a part of package 0
    meter = EnergyMeter(tmp_path)
    write_counter(tmp_path, "intel-rapl:0", 2_000_000)  # 1 J, zero, 2 J
    write_counter(tmp_path, "intel-rapl:1", 9_000_000)
    write_counter(tmp_path, "intel-rapl:0:0", 900_000_000)
    assert meter.joules() == pytest.approx(3.0 + 4.0)


def test_without_counters_nothing_was_measured(tmp_path: Path) -> None:
    assert EnergyMeter(tmp_path / "none").joules() is None


# ------------------------------------------------------------ what is to do


def test_some_of_many_are_spread_from_first_to_last() -> None:
    assert spread(range(100), 4) == [0, 33, 66, 99]
    assert spread([1, 2], 4) == [1, 2]


GRID = Grid(
    crs="EPSG:32649", left=233_000, top=2_540_000, resolution=10, width=1200, height=900
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A band of 3 x 2 blocks of 512, of unequal sizes."""
    rng = np.random.default_rng(3)
    numbers = rng.integers(1, 10_000, GRID.shape).astype(np.uint16)
    numbers[:, 512:] = 7
    path = tmp_path / "B04.tif"
    write_cog(path, numbers, GRID, nodata=0, scale=1.0)
    return path


def task_on(grid: Grid, path: str, *, kind: TaskKind = TaskKind.BASELINE) -> TileTask:
    asset = Asset(href=path, resolution=10)
    one = granule(END).patch(crs=GRID.crs, bands={"B04": asset}, mask=asset)
    here = watch()
    area = here.tiles[0].area
    return TileTask(
        id="t",
        kind=kind,
        tile=Tile(id="t", grid=grid, area=area),
        night=END,
        scenes=(build_scene((one,)),),
        baseline="b",
        pipeline=here.pipeline.model_copy(update={"indices": ()}),
        workplace=here.workplace,
    )


def window(row: int, column: int, side: int) -> Grid:
    return GRID.patch(
        left=GRID.left + 10 * column,
        top=GRID.top - 10 * row,
        width=side,
        height=side,
    )


def test_bytes_are_those_of_the_blocks_a_tile_touches(image: Path) -> None:
    with rasterio.open(image) as data:
        size = [[data.block_size(1, r, c) for c in range(3)] for r in range(2)]
    head = 16_384

    def read(grid: Grid) -> float:
        return measure_volume(task_on(grid, str(image))).bands

    assert read(window(0, 0, 512)) == head + size[0][0]
    assert read(window(10, 500, 100)) == head + size[0][0] + size[0][1]
    assert read(window(500, 500, 24)) == head + sum(size[0][:2]) + sum(size[1][:2])
    assert read(GRID) == head + sum(map(sum, size))
    assert read(GRID.pad(4000)) == read(GRID)
    assert read(window(5000, 0, 100)) == head
    assert size[0][0] > 50 * size[0][1]  # or the test would show little


def test_blocks_of_a_jpeg2000_file_share_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "B04.jp2"
    numbers = np.random.default_rng(4).integers(1, 4000, (1, 512, 512), np.uint16)
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        dtype="uint16",
        count=1,
        width=512,
        height=512,
        crs=GRID.crs,
        transform=GRID.transform,
        blockxsize=256,
        blockysize=256,
    ) as data:
        data.write(numbers)
    size = path.stat().st_size
    found = measure_volume(task_on(window(0, 300, 200), str(path)))
    assert found.bands == pytest.approx(16_384 + size / 4)


def test_masks_count_always_and_bands_where_something_is_seen(image: Path) -> None:
    volume = measure_volume(task_on(GRID, str(image)))
    assert volume.masks == volume.bands > 0
    assert volume.expected(0.25) == volume.masks * 1.25


def test_remote_files_are_counted_and_not_asked() -> None:
    volume = measure_volume(task_on(GRID, "https://nowhere.invalid/B04.tif"))
    assert volume == Volume(remote=2)


def test_a_file_that_is_gone_counts_nothing(tmp_path: Path) -> None:
    assert measure_volume(task_on(GRID, str(tmp_path / "gone.tif"))) == Volume()


def test_forest_is_the_area_of_its_polygons() -> None:
    task = task_on(GRID, "/none")
    left, bottom, right, top = GRID.bounds
    west = task.tile.grid.patch(width=GRID.width // 2)
    area = Tile(id="t", grid=west, area=task.tile.area).footprint()
    everything = Tile(id="t", grid=GRID.pad(50), area=task.tile.area).footprint()

    inside = replace(task.tile, area=shapely.box(left, bottom, right, top))
    half = task.patch(tile=inside, forest=area)
    assert forest_share(half) == pytest.approx(0.5, abs=0.02)
    assert forest_share(half.patch(forest=everything)) == pytest.approx(1.0, abs=0.02)


def test_tasks_that_were_looked_at_speak_for_the_others(image: Path) -> None:
    one = task_on(GRID, str(image))
    many = [one.patch(id=f"t{n}") for n in range(90)]
    found = survey(many)
    assert found.looked_at < len(many)
    assert len(found.loads) == len(many)
    assert found.volume.bands == pytest.approx(90 * measure_volume(one).bands)


# ------------------------------------------------------------- many nights


def planned(shelf: Shelf, night: date, known: bool, uses: dict[str, date]) -> Plan:
    return plan_night(watch(), shelf, night, known={TILE: known}, uses={TILE: uses})


def work_of(plans: Sequence[Plan]) -> list[tuple[list[date], list[date]]]:
    return [
        (
            [s.date for t in p.baselines for s in t.scenes],
            [s.date for t in p.tasks for s in t.scenes],
        )
        for p in plans
    ]


@given(st.sets(st.integers(-40, 20), min_size=1, max_size=9), st.integers(1, 14))
def test_nights_planned_at_once_are_those_run_one_by_one(
    offsets: set[int], count: int
) -> None:
    first = END + timedelta(days=2)
    shelf = Shelf([granule(first + timedelta(days=n)) for n in sorted(offsets)])
    nights = [first + timedelta(days=n) for n in range(count)]
    at_once = unroll([planned(shelf, night, False, {}) for night in nights])
    one_by_one: list[Plan] = []
    known = False
    uses: dict[str, date] = {}
    for night in nights:
        plan = planned(shelf, night, known, uses)
        known = known or bool(plan.baselines)
        uses = {**uses, **{s.content(): night for t in plan.tasks for s in t.scenes}}
        one_by_one.append(plan)
    assert work_of(at_once) == work_of(one_by_one)


# ------------------------------------------------------------ the estimate


def nights_of(here: Watch) -> tuple[list[date], list[Night]]:
    """Two nights: a season from 100 scenes and 2 to judge, then 1 to judge."""
    tile, first = here.tiles[0], END + timedelta(days=1)
    task = TileTask(
        id="t",
        kind=TaskKind.NIGHT,
        tile=tile,
        night=first,
        scenes=(),
        baseline="b",
        pipeline=here.pipeline,
        workplace=here.workplace,
    )
    learn = Survey(
        loads=(Load(scenes=100, mpx=2.0, forest_mpx=1.0),),
        volume=Volume(masks=10.0, bands=1000.0),
        looked_at=1,
    )
    judge = [
        Survey(
            loads=(Load(scenes=n, mpx=2.0, forest_mpx=1.0),),
            volume=Volume(masks=n, bands=10.0 * n, remote=3.0 * n),
            looked_at=1,
        )
        for n in (2, 1)
    ]
    second = first + timedelta(days=5)
    return [first, second], [
        Night(
            plan=Plan(night=first, baselines=(task,), tasks=(task,)),
            learn=learn,
            judge=judge[0],
        ),
        Night(plan=Plan(night=second, tasks=(task,)), learn=NOTHING, judge=judge[1]),
    ]


def test_an_estimate_worked_by_hand() -> None:
    here = watch()
    dates, nights = nights_of(here)
    found = estimate(
        here,
        dates,
        nights,
        figures=FIGURES,
        means=Means(workers=1),
        planning_s=4.0,
        layer_mpx=2.0,
    )
    # One season: 1 + 0.5 x 100 x 2 s. Its state: 16 of 100 x 0.5 dates, all slots.
    assert found.learning.wall_s == found.learning.cpu_s == 101.0
    assert found.learning.read_bytes == 10 + 0.8 * 1000
    assert found.learning.state_bytes == 100 + 1e6 * (80 + 16 * 5)
    assert found.scratch_bytes == 1e6 * 100 * 0.5 * 8
    # Two tasks of 2 + 4 x 1 s, the first 7 s longer; full states do not grow and
    # are written again.
    assert (found.judging.wall_s, found.judging.cpu_s) == (19.0, 18.0)
    assert found.judging.read_bytes == pytest.approx(3 + 0.8 * 30)
    assert found.judging.remote_files == 9
    assert (found.judging.output_bytes, found.judging.files) == (3000.0, 6.0)
    assert found.judging.state_bytes == 0.0
    assert found.judging.state_read_bytes == 2 * found.learning.state_bytes
    assert found.judging.written_bytes == 2 * found.learning.state_bytes + 3000
    # One process: 3 + 2 s to start; a page of two nights with 2 + 2 layers of 2 Mpx.
    assert found.overhead_s == 4.0 + 5.0 + 1.0 + 2 * 4 * 2 * 0.25
    assert found.page_bytes == 1e6 + 16 * 2e5
    assert found.memory_bytes == 5e8 + 2 * 1e8
    assert found.wall_s == 101.0 + 19.0 + found.overhead_s
    assert found.disk_bytes == found.learning.state_bytes + 3000 + found.page_bytes
    assert (found.watts, found.watts_from) == (MACHINE.watts(), "assumed")
    assert found.kwh == pytest.approx(found.wall_s * MACHINE.watts() / 3.6e6)
    assert found.grams == pytest.approx(found.kwh * 447.6)


def test_the_operators_word_and_the_meter_come_before_assumptions() -> None:
    here = watch()
    dates, nights = nights_of(here)

    def watts(figures: Figures, means: Means) -> tuple[float, str]:
        found = estimate(here, dates, nights, figures=figures, means=means)
        return found.watts, found.watts_from

    metered = replace(FIGURES, watts=30.0)
    assert watts(metered, Means(workers=4)) == (30.0, "measured")
    assert watts(metered, Means(workers=8)) == (60.0, "measured")  # two machines
    assert watts(metered, Means(workers=8, watts=500.0)) == (500.0, "given")


def test_experience_corrects_seconds_and_maps() -> None:
    here = watch()
    dates, nights = nights_of(here)
    found = estimate(
        here,
        dates,
        nights,
        figures=FIGURES,
        means=Means(workers=1),
        experience=Experience(nights=5, baseline=2.0, night=0.5, output=3.0),
    )
    assert found.learning.wall_s == 202.0
    assert found.judging.wall_s == 0.5 * 19.0
    assert found.judging.output_bytes == 9000.0


def test_nothing_to_do_takes_no_time() -> None:
    found = estimate(
        watch(), [END], [], figures=FIGURES, means=Means(workers=2), planning_s=0.5
    )
    assert found.learning == found.judging == Cost()
    assert (found.wall_s, found.disk_bytes) == (0.5, 0.0)


# ---------------------------------------------------------- past nights


def write_night(
    place: Workplace, night: date, seconds: float, *, release: str = __version__
) -> None:
    day = night.isoformat()
    entry = {
        "tile": TILE,
        "error": None,
        "scenes": 1,
        "days": [{"day": day}],
        "seconds": seconds,
    }
    report = {"night": day, "agroforest": release, "tiles": [entry], "baselines": []}
    path = place.report(night, "json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report))
    map_ = place.index(TILE, night, "ndvi")
    map_.parent.mkdir(parents=True, exist_ok=True)
    map_.write_bytes(b"x" * 500)


def test_past_nights_are_compared_with_what_was_foretold(tmp_path: Path) -> None:
    place = Workplace(root=tmp_path, pipeline="p")
    here = replace(watch(), workplace=place)
    flat = replace(FIGURES, night=tasks_of(Law(task=2.0)))
    assert read_experience(here, flat, 0.5) == Experience()
    for n in range(2):
        write_night(place, END + timedelta(days=n), 5.0)
    few = read_experience(here, flat, 0.5)
    assert (few.night, few.output) == (1.0, 1.0)
    write_night(place, END + timedelta(days=2), 2.0)
    write_night(place, END + timedelta(days=3), 9.0, release="0.0.0")
    (place.folder / "reports" / "2024-09-09.json").write_text("{")
    found = read_experience(here, flat, 0.5)
    assert (found.nights, found.shown) == (3, 4)
    assert found.night == pytest.approx((5 + 5 + 2) / (3 * 2.0))
    assert found.output == pytest.approx(500 / 1000)  # 1000 bytes a scene foretold
    assert found.baseline == 1.0

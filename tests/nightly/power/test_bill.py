"""What a night cost, shared out; what was saved; what it may cost at most."""

from datetime import UTC, date, datetime

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.config import BudgetSection
from agroforest.core.cost import Cost, EnergySource
from agroforest.core.execution import Execution, ExecutionStatus
from agroforest.core.grid import Grid, Tile
from agroforest.cube.counted import ReadCount
from agroforest.nightly.plan import TaskKind
from agroforest.nightly.power.account import build_lines, build_total
from agroforest.nightly.power.bill import build_bill, settle, share_out
from agroforest.nightly.power.budget import exceeded
from agroforest.nightly.power.page import build_bars, build_csv, build_page, figure
from agroforest.nightly.power.saved import saved_by_reading
from agroforest.nightly.result import TaskResult

NIGHT = date(2026, 11, 21)
GRID = Grid(
    crs="EPSG:32649", left=500_000, top=2_500_000, resolution=10, width=100, height=100
)
COST = Cost(
    seconds=600.0,
    cpu_seconds=1000.0,
    bytes_read=3_000_000_000,
    energy_kwh=0.5,
    source=EnergySource.MEASURED,
    factor_g_per_kwh=400.0,
    factor_source="somewhere",
)


def tile(name: str) -> Tile:
    return Tile(id=name, grid=GRID, area=shapely.box(0, 0, 1000, 2000))


def result(name: str, cpu_seconds: float, **fields: object) -> TaskResult:
    known: dict[str, object] = {
        "id": name,
        "kind": TaskKind.NIGHT,
        "tile": name,
        "state": name,
        "night": NIGHT,
        "cpu_seconds": cpu_seconds,
    }
    return TaskResult(**{**known, **fields})  # type: ignore[arg-type]


def test_a_bill_adds_up_to_what_was_metered() -> None:
    results = [result("a", 300), result("b", 500)]
    cost = settle(COST, tiles=[tile(n) for n in "abcd"], results=results, alerts=5)
    bill = build_bill(cost, results)
    assert cost.km2 == 8.0
    assert bill["carbon_g"] == 200.0
    assert bill["each_tile"]["a"] == {"kwh": 0.15, "carbon_g": 60.0}
    assert bill["each_tile"]["b"] == {"kwh": 0.25, "carbon_g": 100.0}
    assert bill["for_all"] == {"kwh": 0.1, "carbon_g": 40.0}
    assert bill["per_alert"] == {"kwh": 0.1, "carbon_g": 40.0}
    assert bill["per_km2"] == {"kwh": 0.0625, "carbon_g": 25.0}
    assert bill["per_tile"] == {"kwh": 0.25, "carbon_g": 100.0}
    # Two tiles without news, at 400 s each, of the night's 0.5 Wh a second.
    assert cost.saved["unchanged_tiles"] == 2
    assert cost.saved["unchanged_cpu_seconds"] == 800
    assert bill["saved_estimated"] == {"kwh": 0.4, "carbon_g": 160.0}
    assert bill["source"] == "measured"


def test_what_there_is_none_of_costs_nothing_in_particular() -> None:
    cost = settle(COST, tiles=[tile("a")], results=[], alerts=0)
    bill = build_bill(cost, [])
    assert bill["per_alert"] is bill["per_tile"] is None
    assert bill["each_tile"] == {}
    assert bill["for_all"]["kwh"] == 0.5
    # No tile's cost is known of this night: what was saved is counted, not priced.
    assert cost.saved == {"unchanged_tiles": 1}
    # Where only fire or water is watched, tiles never have work.
    assert (
        settle(COST, tiles=[tile("a")], results=[], alerts=0, canopy=False).saved == {}
    )


@given(
    energy=st.floats(0, 100),
    extra=st.floats(0, 1000),
    tiles=st.dictionaries(st.text(max_size=3), st.floats(0, 1000), max_size=8),
)
def test_shares_are_the_whole_and_no_more(
    energy: float, extra: float, tiles: dict[str, float]
) -> None:
    shares = share_out(energy, sum(tiles.values()) + extra, tiles)
    assert shares.keys() == tiles.keys()
    assert all(share >= 0 for share in shares.values())
    assert sum(shares.values()) <= energy * (1 + 1e-9)
    if sum(tiles.values()) > 0 and not extra:
        assert sum(shares.values()) == pytest.approx(energy)


def test_what_a_task_did_not_read_has_its_own_rate() -> None:
    count = ReadCount(
        bytes_read=1000,
        cpu_seconds=2.0,
        bytes_skipped=500,
        blocks_skipped=3,
        windows_skipped=1,
    )
    assert saved_by_reading(count) == {
        "cloudy_scenes": 1,
        "cloudy_blocks": 3,
        "cloudy_bytes": 500,
        "cloudy_cpu_seconds": 1.0,
    }
    assert saved_by_reading(ReadCount()) == {}


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({}, ""),
        ({"minutes": 11, "gigabytes": 3.1, "kwh": 0.6}, ""),
        ({"minutes": 10}, "budget.minutes is 10, 10 are spent"),
        ({"gigabytes": 2.5}, "budget.gigabytes is 2.5, 3 are spent"),
        ({"kwh": 0.4, "minutes": 11}, "budget.kwh is 0.4, 0.5 are spent"),
        (
            {"kwh": 0.4, "minutes": 9},
            "budget.minutes is 9, 10 are spent; budget.kwh is 0.4, 0.5 are spent",
        ),
    ],
)
def test_a_budget_that_is_spent_is_named(bounds: dict[str, float], said: str) -> None:
    assert exceeded(BudgetSection.model_validate(bounds), COST) == said


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        BudgetSection.model_validate({"minutes": 0})


def test_costs_survive_being_kept() -> None:
    cost = settle(COST, tiles=[tile("a")], results=[result("a", 1)], alerts=2)
    assert Cost.from_plain(cost.plain()) == cost
    older = {k: v for k, v in COST.plain().items() if k not in {"km2", "alerts"}}
    assert Cost.from_plain(older) == COST


# ------------------------------------------------------------ many nights


def execution(day: int, pipeline: str, cost: Cost) -> Execution:
    return Execution(
        id=f"{day}{pipeline}{cost.seconds}",
        pipeline=pipeline,
        night=date(2026, 11, day),
        config_digest="",
        host="",
        pid=1,
        started=datetime(2026, 11, day, 18, tzinfo=UTC),
        status=ExecutionStatus.DONE,
        cost=cost,
    )


MANY = [
    execution(2, "north", COST.patch(km2=8.0, alerts=1, tiles=2)),
    execution(1, "north", COST.patch(km2=8.0, saved={"kwh": 0.5, "cloudy_scenes": 2})),
    execution(
        1,
        "north",
        COST.patch(km2=8.0, source=EnergySource.ESTIMATED, energy_kwh=1.5, alerts=2),
    ),
    execution(1, "east", COST.patch(source=EnergySource.ESTIMATED)),
    execution(1, "north", Cost()),
]


def test_tries_at_a_night_are_one_line() -> None:
    lines = build_lines(MANY)
    assert [(x.night, x.pipeline) for x in lines] == [
        (date(2026, 11, 1), "east"),
        (date(2026, 11, 1), "north"),
        (date(2026, 11, 2), "north"),
    ]
    night = lines[1]
    assert (night.tries, night.unknown) == (3, 1)
    assert night.kwh == 2.0
    assert night.measured_share == 0.25
    assert night.km2 == 8.0  # watched once, in three tries
    assert night.g_per_km2 == 100.0
    assert night.g_per_alert == 400.0
    assert night.saved_share == pytest.approx(0.5 / 2.5)
    assert dict(night.saved) == {"cloudy_scenes": 2}
    known = [EnergySource.ESTIMATED, None, EnergySource.MEASURED]
    assert [line.source for line in lines] == known
    total = build_total(lines)
    assert total.kwh == 3.0
    assert total.km2 == 16.0
    assert total.alerts == 3
    assert (total.tries, total.unknown) == (5, 1)


def test_nothing_adds_up_to_nothing() -> None:
    total = build_total([])
    assert total.kwh == total.carbon_g == total.measured_share == total.saved_share == 0
    assert total.source is EnergySource.UNKNOWN
    assert "没有运行记录" in build_page([], total, title="none")


def test_the_page_shows_every_night_and_escapes_names() -> None:
    evil = COST.patch(factor_source="<script>alert(1)</script>")
    lines = build_lines([*MANY, execution(3, "north", evil)])
    page = build_page(lines, build_total(lines), title="2026")
    assert page.count("<g><title>") == 3
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "部分实测" in page
    bars = build_bars(lines)
    assert max(b.measured + b.estimated for b in bars) == pytest.approx(160.0)
    assert bars[0].x < bars[1].x < bars[2].x


def test_the_table_has_numbers_in_full() -> None:
    rows = build_csv(build_lines(MANY)).split("\r\n")
    assert rows[0].startswith("night,pipeline,tries")
    assert rows[2].startswith("2026-11-01,north,3,1,")
    assert len(rows) == 5
    assert rows[-1] == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0.0, "0"),
        (3.9e-8, "<0.0001"),
        (0.000123456, "0.000123"),
        (447.6, "448"),
        (12345.6, "12,346"),
    ],
)
def test_figures_are_read_without_powers_of_ten(value: float | None, text: str) -> None:
    assert figure(value) == text

"""Fire on a night's page: what is put into it."""

import base64
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.io import MemoryFile
from rasterio.warp import transform
from tests.maps.fires import (
    ALERTS,
    CRS,
    EVENTS,
    GRID,
    MODEL,
    MOMENT,
    NIGHT,
    alert_of,
    danger_of,
    event,
    facts,
    fire_page,
    night_page,
    scar,
)

from agroforest.core.fire import EventConfidence, EventKind
from agroforest.core.risk import Hazard
from agroforest.maps import FirePage, MapPage, build_page
from agroforest.maps.assets import FIRE_SCRIPTS, read_script
from agroforest.maps.fire_cells import MOST_NUMBERS, number_cells
from agroforest.maps.fire_danger import RANK_COLORS, UNTRAINED
from agroforest.maps.fire_data import MOST_EVENTS, add_fire
from agroforest.maps.fire_scars import MOST_PICTURED
from agroforest.maps.layers import build_data
from agroforest.maps.words import hazard_words

Json = dict[str, Any]
NOTHING = FirePage(moment=MOMENT)


def data_of(page: MapPage) -> Json:
    return add_fire(build_data(page), page)


@pytest.fixture(scope="module")
def data() -> Json:
    return data_of(night_page())


class TestAPageWithoutFire:
    def test_it_stays_as_it_is(self, fake_page: MapPage) -> None:
        plain = build_data(fake_page)
        assert add_fire(plain, fake_page) is plain
        document = build_page(fake_page)
        assert "fire" not in json.loads(_block(document))
        assert not [name for name in FIRE_SCRIPTS if read_script(name) in document]

    def test_a_probability_that_nobody_gave_is_not_zero(self) -> None:
        page = night_page(fire=NOTHING).patch(fire=None)
        said = data_of(page)
        assert {alert["probability"] for alert in said["alerts"]} == {None}
        assert said["fire"] == {"told": False}
        assert read_script("fire_popups.js") in build_page(page)


class TestDanger:
    def test_days_share_layers_in_the_order_given(self, data: Json) -> None:
        layers = [layer for layer in data["layers"] if layer["kind"] == "danger"]
        assert [layer["id"] for layer in layers] == [
            "danger:rank", "danger:probability", "danger:fwi", "danger:vpd",
            "danger:rain",
        ]  # fmt: skip
        days = [(NIGHT + timedelta(days=n)).isoformat() for n in range(3)]
        for layer in layers:
            (frames,) = layer["tiles"].values()
            assert [frame["day"] for frame in frames] == days
            assert {frame["night"] for frame in frames} == {NIGHT.isoformat()}
        assert [d["forecast"] for d in data["fire"]["danger"]["days"]] == [0, 1, 1]
        assert [layer["shown"] for layer in layers] == [True] + 4 * [False]

    def test_a_driver_is_a_layer_of_the_days_it_is_known(self) -> None:
        first, second = danger_of(0), danger_of(1)
        bare = replace(second, drivers=second.drivers[:1], probability=None)
        layers = data_of(night_page(fire_page(danger=(first, bare))))["layers"]
        frames = {x["id"]: [f["day"] for f in x["tiles"]["area"]] for x in layers}
        assert len(frames["danger:fwi"]) == 2
        assert frames["danger:vpd"] == frames["danger:probability"] == ["2024-02-20"]

    def test_a_risk_that_is_shown_is_not_covered(self, fake_page: MapPage) -> None:
        page = fake_page.patch(fire=fire_page())
        shown = [x["id"] for x in data_of(page)["layers"] if x["shown"]]
        assert shown == ["risk:canopy-stress"]

    def test_scales_do_not_change_with_the_day(self) -> None:
        first, second = danger_of(0), danger_of(1)
        odd = replace(
            second, drivers=(replace(second.drivers[0], vmax=50.0), *second.drivers[1:])
        )
        page = night_page(fire_page(danger=(first, odd)))
        with pytest.raises(ValueError, match="'fwi' have 2 different scales"):
            data_of(page)

    # Reading a PNG warns that it has no position; it has none.
    @pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
    def test_the_picture_has_the_colours_of_the_ranks(self) -> None:
        grid = GRID.patch(width=5, height=5)
        rank = np.tile(np.arange(5, dtype=np.int8) + 1, (5, 1))
        rank[0] = 0
        day = replace(danger_of(0, grid=grid, drivers=()), rank=rank, probability=None)
        said = data_of(night_page(fire_page(danger=(day,))))
        frame = said["layers"][0]["tiles"]["area"][0]
        uri = said["pictures"][frame["picture"]]
        with (
            MemoryFile(base64.b64decode(uri.split(",")[1])) as file,
            file.open() as png,
        ):
            codes, table = png.read(1), png.colormap(1)
        rgb = ["#{:02x}{:02x}{:02x}".format(*table[n][:3]) for n in range(1, 6)]
        assert rgb == list(RANK_COLORS)
        assert table[0][3] == 0
        middle = codes[codes.shape[0] // 2]
        assert sorted(set(middle[middle > 0].tolist())) == [1, 2, 3, 4, 5]
        assert (np.diff(middle[middle > 0].astype(int)) >= 0).all()
        assert not codes[: codes.shape[0] // 8].any()

    def test_it_says_what_it_is_not(self, data: Json) -> None:
        notices = [notice["zh"] for notice in data["notices"]]
        assert UNTRAINED[0] in notices
        assert any(MODEL in notice for notice in notices)
        assert data["layers"][0]["legend"]["limits"]["en"] == UNTRAINED[1]
        none = data_of(night_page(NOTHING))
        assert none["notices"] == []
        assert none["fire"]["danger"] is None


class TestNumbersOfCells:
    def test_every_cell_gives_back_what_was_put_in(self, data: Json) -> None:
        said = data["fire"]["danger"]
        for n, day in enumerate(said["days"]):
            layer = danger_of(n)
            known = _known(said, day)
            ranks = np.array([int(c) for c in day["ranks"]])
            np.testing.assert_array_equal(ranks, layer.rank[known])
            assert layer.probability is not None
            chance = _read(said, day["probability"])
            np.testing.assert_allclose(chance, layer.probability[known], atol=1e-6)
            for column, driver in zip(day["drivers"], layer.drivers, strict=True):
                span = np.nanmax(driver.values) - np.nanmin(driver.values)
                np.testing.assert_allclose(
                    _read(said, column), driver.values[known], atol=span / 60_000
                )
            assert day["missing"][0]["zh"] == "活可燃物含水率"

    def test_only_known_cells_travel(self, data: Json) -> None:
        said = data["fire"]["danger"]
        assert len(said["grids"]) == 1
        outside = np.add(*np.indices(GRID.shape)) < 18
        assert not (_known(said, said["days"][0]) & outside).any()
        assert len(said["days"][0]["ranks"]) == (~outside).sum()

    def test_what_does_not_change_with_the_day_travels_once(self) -> None:
        first = danger_of(0)
        same = replace(first, day=NIGHT + timedelta(days=1))
        assert len(number_cells((first, same))["columns"]) == 1 + len(first.drivers)

    def test_a_province_leaves_its_drivers_numbers_behind(self) -> None:
        grid = GRID.patch(width=600, height=450)
        names = [(f"d{n}", "因子", "driver", "", 0.0, 40.0, "ylorbr") for n in range(6)]
        day = danger_of(0, grid=grid, drivers=names)
        said = number_cells((day,))
        assert len(names) * grid.width * grid.height > MOST_NUMBERS
        assert not said["complete"]
        assert said["days"][0]["drivers"] == []
        assert said["days"][0]["probability"]
        assert number_cells((danger_of(0),))["complete"]

    def test_days_may_have_grids_of_their_own(self) -> None:
        coarse = danger_of(1, grid=GRID.patch(resolution=2000.0, width=30, height=44))
        said = number_cells((danger_of(0), coarse))
        assert [day["grid"] for day in said["days"]] == [0, 1]
        np.testing.assert_array_equal(
            [int(c) for c in said["days"][1]["ranks"]],
            coarse.rank[_known(said, said["days"][1])],
        )

    def test_the_lattice_finds_every_cell(self, data: Json) -> None:
        (grid,) = data["fire"]["danger"]["grids"]
        rows, columns = np.indices(GRID.shape)
        x = GRID.left + (columns.ravel() + 0.5) * GRID.resolution
        y = GRID.top - (rows.ravel() + 0.5) * GRID.resolution
        east, north = transform(CRS, "EPSG:3857", x.tolist(), y.tolist())
        found = _plane(grid, np.array(east), np.array(north))
        assert np.abs(found[0] - columns.ravel() - 0.5).max() < 0.01  # of a cell
        assert np.abs(found[1] - rows.ravel() - 0.5).max() < 0.01

    @given(
        arrays(
            np.float32,
            (3, 4),
            elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6, width=32)),
        )
    )
    def test_any_numbers(self, values: np.ndarray[Any, Any]) -> None:
        grid = GRID.patch(width=4, height=3)
        day = danger_of(0, grid=grid)
        day = replace(
            day,
            rank=np.ones(grid.shape, np.int8),
            drivers=(replace(day.drivers[0], values=values),),
        )
        said = number_cells((day,))
        column = said["days"][0]["drivers"][0]
        finite = values[np.isfinite(values)].astype(float)
        span = float(np.ptp(finite)) if finite.size else 0.0
        np.testing.assert_allclose(
            _read(said, column),
            values.ravel().astype(float),
            atol=span / 65_000 + 1e-8 * float(np.abs(finite).max(initial=0)),
        )
        json.dumps(said, allow_nan=False)

    @pytest.mark.parametrize(
        ("values", "digits"),
        [
            ([1.0, 5.0, 3.0], 0),  # classes
            ([12.34, 39.9, 0.1], 1),
            ([0.512, 4.2, 1.0], 2),
            ([450.5, 1.2, 3.0], 0),
            ([np.nan, np.nan, np.nan], 0),
            ([-0.2, 0.61, 0.3], 3),
        ],
    )
    def test_three_figures_are_shown(self, values: list[float], digits: int) -> None:
        grid = GRID.patch(width=3, height=1)
        day = danger_of(0, grid=grid)
        known = replace(
            day,
            rank=np.ones(grid.shape, np.int8),
            drivers=(replace(day.drivers[0], values=np.array([values])),),
        )
        said = number_cells((known,))["days"][0]["drivers"][0]
        assert said["digits"] == digits


class TestEventsAndAlerts:
    def test_events_are_told_once_the_last_first(self, data: Json) -> None:
        fire = data["fire"]
        ids = fire["events"]["id"]
        assert ids == [f"e{n:015x}" for n in range(8)]
        assert fire["looks"] == 8 * [2]
        assert fire["events"]["age"][:2] == [3.0, 12.0]
        assert fire["events"]["lastLocal"][0] == "2024-02-21T03:12+08:00"
        shuffled = fire_page(events=EVENTS[::-1], alerts=ALERTS[::-1])
        assert data_of(night_page(shuffled)) == data

    def test_clocks_come_with_the_oldest_deadline_first(self, data: Json) -> None:
        alerts = data["fire"]["alerts"]
        assert [a["alert"] for a in alerts] == [f"a{n:015x}" for n in (0, 2, 3)]
        assert alerts[0]["raised"] == "2024-02-20T22:12:00Z"
        assert alerts[0]["until"] == "2024-02-20T23:12:00Z"
        assert alerts[0]["verification"] is None
        assert alerts[2]["verification"] == {
            "time": "2024-02-20T22:46:00Z",
            "outcome": "forest-fire",
            "by": "黄护林员",
            "note": "已扑灭，留人看守",
        }
        ids = data["fire"]["events"]["id"]
        assert [ids[a["event"]][-1] for a in alerts] == ["0", "2", "3"]

    def test_other_zones_are_the_same_moment(self, data: Json) -> None:
        local = [
            replace(
                said,
                raised=said.raised.astimezone(),
                verify_by=said.verify_by.astimezone(),
            )
            for said in ALERTS
        ]
        again = fire_page(alerts=tuple(local), moment=MOMENT.astimezone())
        assert data_of(night_page(again)) == data

    def test_an_alert_brings_its_event_along(self) -> None:
        fire = data_of(night_page(fire_page(events=(), held=())))["fire"]
        assert fire["events"]["id"] == [f"e{n:015x}" for n in (0, 2, 3)]

    def test_held_events_give_the_reason(self, data: Json) -> None:
        (held,) = data["fire"]["held"]
        assert data["fire"]["events"]["id"][held["event"]] == event(1).id
        assert held["says"]["zh"].startswith("当日低火险")

    def test_too_many_events_lose_those_hidden_at_first(self) -> None:
        sure = [event(n, id=f"s{n:05d}") for n in range(10)]
        low = [
            event(0, id=f"l{n:05d}", confidence=EventConfidence.LOW)
            for n in range(MOST_EVENTS - 5)
        ]
        held = event(0, id="kept", kind=EventKind.STATIC)
        fire = fire_page(
            events=(*low, *sure),
            danger=(),
            scars=(),
            alerts=(facts(0, event=held),),
            held=(),
        )
        said = data_of(night_page(fire))
        ids = said["fire"]["events"]["id"]
        assert len(ids) == MOST_EVENTS
        assert {"kept", *(e.id for e in sure)} <= set(ids)
        assert f"共 {MOST_EVENTS + 6} 个热点事件" in said["notices"][-1]["zh"]

    def test_an_event_after_the_moment_has_no_negative_age(self) -> None:
        late = event(0, last=MOMENT + timedelta(hours=1))
        fire = fire_page(events=(late,), alerts=(), held=(), danger=(), scars=())
        assert data_of(night_page(fire))["fire"]["events"]["age"] == [0.0]

    def test_the_hazard_has_words(self) -> None:
        words = hazard_words(Hazard.ACTIVE_FIRE)
        assert words.name == ("疑似火情", "Suspected fire")
        assert "请实地核查" in words.sentence[0]


class TestScars:
    def test_the_newest_comes_first_with_hectares_and_mu(self) -> None:
        older = scar(1, after=NIGHT - timedelta(days=9))
        said = data_of(night_page(fire_page(scars=(older, scar(0)))))["fire"]
        assert [s["id"][-1] for s in said["scars"]] == ["0", "1"]
        first = said["scars"][0]
        assert first["area"]["mu"] == pytest.approx(15 * first["area"]["ha"], abs=0.1)
        assert first["severity"][1] == {
            "zh": "中轻度", "en": "moderate-low", "ha": 32.5, "mu": 487.5,
        }  # fmt: skip
        assert set(first["pictures"]) == {"before", "after"}

    def test_pictures_show_the_scar_and_a_margin(self, data: Json) -> None:
        one = data["fire"]["scars"][0]
        (south, west), (north, east) = one["pictures"]["after"]["corners"]
        w, s, e, n = scar(0).geometry.bounds
        assert west < w < e < east
        assert south < s < n < north
        assert (east - west) < 3 * (e - w)

    def test_a_scar_at_the_edge_of_its_picture(self) -> None:
        edge = scar(0)
        cut = edge.grid.patch(width=150, height=150)
        small = replace(
            edge,
            grid=cut,
            nbr_after=edge.nbr_after[:150, :150],
            nbr_before=None,
            before=None,
        )
        away = replace(small, grid=cut.patch(left=cut.left + 1e5))
        for one in (small, away):
            said = data_of(night_page(fire_page(scars=(one,))))["fire"]["scars"][0]
            assert set(said["pictures"]) == {"after"}

    def test_many_scars_are_outlined_and_few_pictured(self) -> None:
        few = replace(scar(0), nbr_before=None, before=None)
        many = tuple(replace(few, id=f"s{n:03d}") for n in range(MOST_PICTURED + 2))
        said = data_of(night_page(fire_page(scars=many, danger=())))["fire"]["scars"]
        assert sum(bool(s["pictures"]) for s in said) == MOST_PICTURED
        assert all(s["rings"] for s in said)


class TestValues:
    def test_the_moment_has_a_zone(self) -> None:
        with pytest.raises(ValueError, match="no time zone"):
            FirePage(moment=datetime(2024, 2, 20))  # noqa: DTZ001  refused for it

    def test_a_day_is_given_once(self) -> None:
        with pytest.raises(ValueError, match="twice"):
            FirePage(moment=MOMENT, danger=(danger_of(0), danger_of(0)))

    def test_arrays_lie_on_their_grid(self) -> None:
        with pytest.raises(ValueError, match=r"rank of 2024-02-20 is \(44, 60\)"):
            replace(danger_of(0), grid=GRID.patch(width=61))
        with pytest.raises(ValueError, match="NBR before of scar"):
            replace(scar(0), nbr_before=np.zeros((2, 2)))

    def test_ranks_are_ranks(self) -> None:
        with pytest.raises(ValueError, match="from 0 to 7, not from 0 to 5"):
            replace(danger_of(0), rank=danger_of(0).rank // 5 * 7)

    def test_a_scale_has_two_ends(self) -> None:
        with pytest.raises(ValueError, match="vmax 3 is not above vmin 3"):
            replace(danger_of(0).drivers[0], vmin=3, vmax=3)


class TestTheDocument:
    def test_the_same_night_gives_the_same_bytes(self) -> None:
        assert build_page(night_page()) == build_page(night_page())

    @pytest.mark.parametrize(
        "part", ["danger", "events", "alerts", "held", "scars", None]
    )
    def test_any_part_may_be_empty(self, part: str | None) -> None:
        fire = NOTHING if part is None else fire_page(**{part: ()})
        said = json.loads(_block(build_page(night_page(fire, alerts=()))))
        assert said["fire"]["told"]

    def test_a_city_of_cells_stays_small(self) -> None:
        grid = GRID.patch(width=160, height=157)
        names = [(f"d{n}", "因子", "driver", "", 0.0, 40.0, "ylorbr") for n in range(8)]
        noise = np.random.default_rng(1).normal(0, 0.5, (4, 8, *grid.shape))
        days = []
        for ahead in range(4):
            day = danger_of(ahead, grid=grid, drivers=names)
            rough = tuple(
                replace(driver, values=driver.values + noise[ahead, n])
                for n, driver in enumerate(day.drivers)
            )
            days.append(replace(day, drivers=rough))
        fire = fire_page(danger=tuple(days))
        assert len(build_page(night_page(fire)).encode()) < 3_000_000

    def test_an_alert_without_its_page_is_told(self) -> None:
        page = night_page(alerts=(alert_of(ALERTS[0]),))
        assert len(data_of(page)["fire"]["alerts"]) == 3


def _block(document: str) -> str:
    found = re.search(r'id="af-data">(.*?)</script>', document, re.DOTALL)
    assert found is not None
    return found[1]


def _known(said: Json, day: Json) -> np.ndarray[Any, np.dtype[np.bool_]]:
    grid = said["grids"][day["grid"]]
    known = np.zeros(grid["width"] * grid["height"], bool)
    for start, length in zip(grid["runs"][::2], grid["runs"][1::2], strict=True):
        known[start : start + length] = True
    return known.reshape(grid["height"], grid["width"])


def _read(said: Json, column: Json) -> np.ndarray[Any, np.dtype[np.float64]]:
    packed = base64.b64decode(said["columns"][column["column"]])
    codes = np.frombuffer(packed, ">u2" if column["bytes"] == 2 else "u1")
    return np.where(
        codes == 0, np.nan, column["low"] + (codes.astype(float) - 1) * column["step"]
    )


def _plane(
    grid: Json, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Column and row between the nodes of a lattice."""
    west, south, east, north = grid["edges"]
    last = grid["nodes"] - 1
    across, down = (
        (x - west) / (east - west) * last,
        (north - y) / (north - south) * last,
    )
    i = np.minimum(across.astype(int), last - 1)
    j = np.minimum(down.astype(int), last - 1)
    u, v = across - i, down - j
    found = []
    for name in ("column", "row"):
        node = np.array(grid[name]).reshape(grid["nodes"], grid["nodes"])
        upper = node[j, i] * (1 - u) + node[j, i + 1] * u
        lower = node[j + 1, i] * (1 - u) + node[j + 1, i + 1] * u
        found.append(upper * (1 - v) + lower * v)
    return found[0], found[1]

"""Fire on a night's page: the values, and the document that is made of them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from tests.maps.fires import (
    ALERTS,
    GRID,
    MOMENT,
    NOTHING,
    alert_of,
    danger_of,
    data_of,
    fire_page,
    night_page,
    scar,
)
from tests.maps.test_document import data_of as document_data

from agroforest.maps import FirePage, build_page

Json = dict[str, Any]


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
        said = document_data(build_page(night_page(fire, alerts=())))
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

"""Scars on a page: order, areas, and pictures cut to the place."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.maps.fires import NIGHT, data_of, fire_page, night_page, scar

from agroforest.maps.fire_scars import MOST_PICTURED

Json = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Json:
    return data_of(night_page())


def test_the_newest_comes_first_with_hectares_and_mu() -> None:
    older = scar(1, after=NIGHT - timedelta(days=9))
    said = data_of(night_page(fire_page(scars=(older, scar(0)))))["fire"]
    assert [s["id"][-1] for s in said["scars"]] == ["0", "1"]
    first = said["scars"][0]
    assert first["area"]["mu"] == pytest.approx(15 * first["area"]["ha"], abs=0.1)
    assert first["severity"][1] == {
        "zh": "中轻度", "en": "moderate-low", "ha": 32.5, "mu": 487.5,
    }  # fmt: skip
    assert set(first["pictures"]) == {"before", "after"}


def test_pictures_show_the_scar_and_a_margin(data: Json) -> None:
    one = data["fire"]["scars"][0]
    (south, west), (north, east) = one["pictures"]["after"]["corners"]
    w, s, e, n = scar(0).geometry.bounds
    assert west < w < e < east
    assert south < s < n < north
    assert (east - west) < 3 * (e - w)


def test_a_scar_at_the_edge_of_its_picture() -> None:
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


def test_many_scars_are_outlined_and_few_pictured() -> None:
    few = replace(scar(0), nbr_before=None, before=None)
    many = tuple(replace(few, id=f"s{n:03d}") for n in range(MOST_PICTURED + 2))
    said = data_of(night_page(fire_page(scars=many, danger=())))["fire"]["scars"]
    assert sum(bool(s["pictures"]) for s in said) == MOST_PICTURED
    assert all(s["rings"] for s in said)

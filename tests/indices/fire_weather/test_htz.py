"""The Chinese rank: its mechanism, on made tables. They are not the standard's."""

from pathlib import Path

import numpy as np
import pytest

from agroforest.core.errors import ConfigurationError
from agroforest.indices.fire_weather.htz import (
    DrySpell,
    HtzTables,
    find_htz,
    find_wind_force,
    read_htz_tables,
)

MADE = """
d = [0, 5, 10]
[a]
limits = [10.0, 20.0]
points = [0, 7, 30]
[b]
limits = [30.0, 60.0]
points = [40, 8, 0]
[c]
least = 0.3
limits = [5.0]
points = [[10, 20, 30], [0, 10, 20]]
[e]
green = 15
bare = 0
"""


@pytest.fixture
def tables(tmp_path: Path):
    (tmp_path / "t.toml").write_text(MADE, encoding="utf-8")
    return read_htz_tables(tmp_path / "t.toml")


def test_points_add_up(tables) -> None:
    spell = DrySpell(rain=np.array([4.0, 8.0, 4.0]), days=np.array([9, 1, 0], "int16"))
    total, rank = find_htz(
        tables,
        temperature=np.array([25.0, 20.0, np.nan]),
        humidity=np.array([20.0, 60.0, 20.0]),
        wind=np.array([30.0, 0.0, 0.0]),
        spell=spell,
        ground="bare",
    )
    # 30 + 40 + 30 + 10, then 7 + 8 + 10 + 0 with both numbers on a limit
    assert total[:2].tolist() == [110.0, 25.0]
    assert np.isnan(total[2])
    assert rank.tolist() == [5, 1, 0]
    green, rank = find_htz(
        tables,
        temperature=np.array([25.0]),
        humidity=np.array([20.0]),
        wind=np.array([30.0]),
        spell=DrySpell(rain=np.array([4.0]), days=np.array([9], "int16")),
        ground="green",
    )
    assert (green.tolist(), rank.tolist()) == ([95.0], [5])


@pytest.mark.parametrize(
    ("htz", "rank"),
    [(25, 1), (26, 2), (50, 2), (51, 3), (72, 3), (73, 4), (90, 4), (91, 5)],
)
def test_ranks_of_the_standard(htz, rank) -> None:
    limits = read_htz_tables().ranks
    assert 1 + np.searchsorted(limits, float(htz), side="left") == rank


def test_what_is_shipped_is_complete_and_to_be_verified() -> None:
    shipped = read_htz_tables()
    assert shipped.verify
    assert not shipped.missing()
    total, rank = find_htz(
        shipped,
        temperature=np.array([25.1, 4.0, 18.0]),
        humidity=np.array([30.0, 80.0, 45.0]),
        wind=np.array([63.0, 0.0, 7.0]),  # km/h: force 8, 0, 2
        spell=DrySpell(rain=np.array([0.5, 20.0, 4.0]), days=np.array([20, 1, 3])),
        ground="bare",
    )
    # 20 + 20 + 50 + 40; nothing; 12 + 12 + 20 + 10
    assert total.tolist() == [130.0, 0.0, 54.0]
    assert rank.tolist() == [5, 1, 3]


def test_missing_tables_are_named() -> None:
    one = np.zeros(1)
    with pytest.raises(ConfigurationError, match="table A, B, C, D, E is not given"):
        find_htz(
            HtzTables(),
            temperature=one,
            humidity=one,
            wind=one,
            spell=DrySpell.start((1,)),
            ground="bare",
        )


def test_an_unknown_ground_is_named(tables) -> None:
    one = np.zeros(1)
    with pytest.raises(ConfigurationError, match="green, bare"):
        find_htz(
            tables,
            temperature=one,
            humidity=one,
            wind=one,
            spell=DrySpell.start((1,)),
            ground="snow",
        )


def test_dry_spells() -> None:
    spell = DrySpell.start((1,))
    seen = []
    for rain in (0.0, 6.0, 0.0, 0.2, 0.3, np.nan, 0.0, 2.0):
        spell = spell.step(np.array([rain]), least=0.3)
        seen.append((float(spell.rain[0]), int(spell.days[0])))
    assert seen[1:5] == [(6.0, 0), (6.0, 1), (6.0, 2), (0.3, 0)]
    assert np.isnan(seen[0][0])
    assert np.isnan(seen[5][0])  # a missing day may have been wet
    assert np.isnan(seen[6][0])
    assert seen[7] == (2.0, 0)


def test_wind_force() -> None:
    kmh = np.array([0.0, 1.0, 1.08, 5.7, 5.8, 38.8, 38.9, 200.0, np.nan])
    assert find_wind_force(kmh).tolist() == [0, 0, 1, 1, 2, 5, 6, 12, -1]


@pytest.mark.parametrize(
    "text",
    [
        "[a]\nlimits = [1.0]\npoints = [1]",
        "[a]\nlimits = [2.0, 1.0]\npoints = [1, 2, 3]",
        "[c]\nlimits = [1.0]\npoints = [[1, 2], [1]]",
        "[c]\nlimits = []\npoints = [[1], [2]]",
        "d = [-1]",
        "x = 1",
    ],
)
def test_odd_tables_are_refused(text, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"t\.toml"):
        read_htz_tables(tmp_path / "t.toml")

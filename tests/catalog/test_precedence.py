"""Which delivery counts, and what belongs to one pass."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from agroforest.catalog.precedence import baseline_number, resolve_granules
from agroforest.core.scene import Asset, Granule, MaskKind

MakeGranule = Callable[..., Granule]
SENSED = datetime(2024, 3, 1, 3, 5, 41, tzinfo=UTC)
DAY = datetime(2024, 4, 1, tzinfo=UTC)
EAST = shapely.box(108.5, 23.0, 109.0, 24.0)
WEST = shapely.box(108.0, 23.0, 108.55, 24.0)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("05.9", "05.10"),
        ("02.14", "04.00"),
        ("05.09", "05.10"),
        ("", "00.01"),
        ("2.2", "10.0"),
    ],
)
def test_baselines_compare_number_by_number(older: str, newer: str) -> None:
    assert baseline_number(older) < baseline_number(newer)


@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        pytest.param({"baseline": "05.9"}, {"baseline": "05.10"}, id="baseline"),
        pytest.param(
            {"baseline": "04.00", "generated": DAY + timedelta(days=9)},
            {"baseline": "05.00", "generated": DAY},
            id="baseline before generated",
        ),
        pytest.param(
            {"generated": DAY}, {"generated": DAY + timedelta(1)}, id="generated"
        ),
        pytest.param({"generated": None}, {"generated": DAY}, id="generated unknown"),
        pytest.param({"id": "A"}, {"id": "B"}, id="id"),
        pytest.param(
            {"baseline": "02.14", "sensed": SENSED + timedelta(seconds=9)},
            {"baseline": "05.00"},
            id="sensed a little later",
        ),
    ],
)
def test_newest_delivery_of_a_strip_wins(
    make_granule: MakeGranule, loser: dict[str, object], winner: dict[str, object]
) -> None:
    lost = make_granule(**{"id": "L", **loser})
    won = make_granule(**{"id": "W", **winner})
    for order in ([lost, won], [won, lost], [won, lost, won]):
        (scene,) = resolve_granules(order)
        assert scene.granules == (won,)


def test_strips_of_one_tile_merge_in_order_of_precedence(
    make_granule: MakeGranule,
) -> None:
    east = make_granule(id="E", footprint=EAST, baseline="05.09")
    west = make_granule(id="W", footprint=WEST, baseline="05.10")
    (scene,) = resolve_granules([east, west])
    assert scene.granules == (west, east)


def test_whole_old_delivery_stays_behind_a_partial_new_one(
    make_granule: MakeGranule,
) -> None:
    old = make_granule(id="old", baseline="02.14")
    half = make_granule(id="half", baseline="05.00", footprint=EAST)
    other = make_granule(id="other", baseline="05.00", footprint=WEST)
    (scene,) = resolve_granules([old, half])
    assert [g.id for g in scene.granules] == ["half", "old"]
    (scene,) = resolve_granules([old, half, other])
    assert [g.id for g in scene.granules] == ["other", "half"]


@pytest.mark.parametrize(
    ("change", "scenes"),
    [
        pytest.param({"place": "49QCF"}, 1, id="neighbour of the pass"),
        pytest.param({"place": "48QZL", "crs": "EPSG:32648"}, 1, id="other zone"),
        pytest.param(
            {"place": "49QCF", "sensed": SENSED + timedelta(minutes=9)}, 1, id="9 min"
        ),
        pytest.param({"sensed": SENSED + timedelta(minutes=99)}, 2, id="next pass"),
        pytest.param({"platform": "sentinel-2b"}, 2, id="other satellite"),
        pytest.param({"collection": "sentinel-2-l2a-theia"}, 2, id="other producer"),
        pytest.param({"sensed": SENSED + timedelta(days=5)}, 2, id="other day"),
    ],
)
def test_granules_of_one_pass_make_one_scene(
    make_granule: MakeGranule, change: dict[str, object], scenes: int
) -> None:
    first, second = make_granule(id="A"), make_granule(**{"id": "B", **change})
    assert len(resolve_granules([first, second])) == scenes


_DELIVERIES = st.lists(
    st.builds(
        lambda tag, seconds, baseline, place, left: Granule(
            id=f"G{tag}",
            collection="c",
            platform="sentinel-2a",
            place=place,
            sensed=SENSED + timedelta(seconds=seconds),
            baseline=baseline,
            crs="EPSG:32649",
            footprint=shapely.box(left, 23, left + 1, 24),
            bands={},
            mask=Asset(href="/m.tif", resolution=20.0),
            mask_kind=MaskKind.SCL,
        ),
        st.integers(0, 50),
        st.sampled_from([0, 4, 60, 7000, 500_000]),
        st.sampled_from(["02.14", "05.9", "05.10"]),
        st.sampled_from(["49QBF", "49QCF"]),
        st.sampled_from([108.0, 108.1, 108.6]),
    ),
    max_size=8,
    unique_by=lambda g: g.id,
)


@given(granules=_DELIVERIES, seed=st.integers())
def test_result_does_not_depend_on_order_and_resolves_once(
    granules: list[Granule], seed: int
) -> None:
    shuffled = granules.copy()
    random.Random(seed).shuffle(shuffled)  # noqa: S311  order, not secrecy
    scenes = resolve_granules(granules)
    assert resolve_granules(shuffled) == scenes
    left = [g for scene in scenes for g in scene.granules]
    assert resolve_granules(left) == scenes
    assert len({g.id for g in left}) == len(left)
    assert {g.place for g in left} == {g.place for g in granules}

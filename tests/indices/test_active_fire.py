"""The three fire rules on pixels whose sums were done by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import DataError
from agroforest.indices.active_fire import (
    DayImage,
    FireVotes,
    Level,
    _Surroundings,
    find_active_fire,
)

BANDS = ("coastal", "blue", "green", "red", "nir", "swir1", "swir2")
FOREST = (0.10, 0.08, 0.08, 0.06, 0.30, 0.18, 0.09)
#: 0.9/0.25 = 3.6; 0.9 - 0.25 = 0.65; 0.9/0.5 = 1.8; 0.53 * 0.9 - 0.214 = 0.263
FLAME = (0.10, 0.08, 0.08, 0.12, 0.25, 0.50, 0.90)
#: Dry soil in the sun: bright in the infrared, but not brighter at 2.2 um.
SOIL = (0.15, 0.16, 0.20, 0.26, 0.34, 0.42, 0.38)
#: Deep water: 1 > 2 > 3 > 4 > 5 > 6 > 7
WATER = (0.12, 0.10, 0.07, 0.05, 0.03, 0.02, 0.01)
CLOUD = (0.70, 0.70, 0.70, 0.70, 0.72, 0.60, 0.45)
SIDE, MIDDLE = 71, (35, 35)


def image_of(
    *,
    ground: tuple[float, ...] = FOREST,
    pixels: Mapping[tuple[int, int], tuple[float, ...]] | None = None,
    side: int = SIDE,
    **changes: Any,
) -> DayImage:
    stack = np.repeat(np.array(ground)[:, None], side * side, axis=1)
    stack = stack.reshape(7, side, side)
    for place, values in (pixels or {}).items():
        stack[(slice(None), *place)] = values
    known: dict[str, Any] = {
        "source": "L1C",
        "level": Level.TOP_OF_ATMOSPHERE,
        "sun_elevation": 90.0,
    }
    return DayImage(**dict(zip(BANDS, stack, strict=True)) | known | changes)


def rules_at(votes: FireVotes, place: tuple[int, int] = MIDDLE) -> tuple[bool, ...]:
    rules = (votes.schroeder, votes.murphy, votes.kumar_roy)
    return tuple(bool(rule[place]) for rule in rules)


def test_a_flame_in_a_forest_is_found_by_all_and_nothing_else_is() -> None:
    votes = find_active_fire(image_of(pixels={MIDDLE: FLAME}))
    assert rules_at(votes) == (True, True, True)
    assert votes.count.sum() == 3
    assert votes.fire.sum() == 1
    assert votes.judged.all()


@pytest.mark.parametrize("ground", [FOREST, SOIL, WATER, CLOUD])
def test_ground_without_fire_is_left_alone(ground: tuple[float, ...]) -> None:
    assert not find_active_fire(image_of(ground=ground)).count.any()


@pytest.mark.parametrize(
    ("pixel", "expected"),
    [
        # Eq. 1 of Schroeder: 0.51/0.20 = 2.55 > 2.5, 0.31 > 0.3, 0.51 > 0.5. Not
        # Murphy's: 0.51/0.40 = 1.275. Eq. 12: 0.53*0.51 - 0.214 = 0.0563 < 0.06.
        ((0.1, 0.08, 0.08, 0.06, 0.20, 0.40, 0.51), (True, False, False)),
        # The same with less red: 0.0563 >= 0.05.
        ((0.1, 0.08, 0.08, 0.05, 0.20, 0.40, 0.51), (True, False, True)),
        # Eq. 2 of Murphy at its edges: 0.15 >= 0.15, 0.15/0.10 = 1.5, 0.15/0.10.
        # Eq. 3 of Schroeder: 0.15 - 0.10 = 0.05 < 0.17.
        ((0.1, 0.08, 0.08, 0.06, 0.10, 0.10, 0.15), (False, True, False)),
        # Folded counts, eq. 2 of Schroeder: 0.85 > 0.8, 0.1 < 0.2, 0.05 < 0.1.
        ((0.1, 0.08, 0.08, 0.06, 0.30, 0.85, 0.05), (True, False, False)),
    ],
)
def test_pixels_without_surroundings_by_hand(
    pixel: tuple[float, ...], expected: tuple[bool, ...]
) -> None:
    votes = find_active_fire(image_of(ground=pixel, side=1))
    assert rules_at(votes, (0, 0)) == expected
    assert bool(votes.fire[0, 0]) == (sum(expected) >= 2)


def test_a_small_fire_has_to_stand_out_from_its_surroundings() -> None:
    # 0.40/0.20 = 2 > 1.8; 0.20 > 0.17; 0.40/0.24 = 1.67 > 1.6: potential (eq. 3, 6).
    small = (0.10, 0.08, 0.08, 0.08, 0.20, 0.24, 0.40)
    # Forest: ratio 0.3, so 2 > 0.3 + 0.8 and 0.40 > 0.09 + 0.08. Eq. 14 of Kumar & Roy:
    # 0.53 * 0.40 - 0.125 = 0.087 >= 0.08, and the same surroundings.
    assert rules_at(find_active_fire(image_of(pixels={MIDDLE: small}))) == (
        True,
        True,
        True,
    )
    # Hot ground: ratio 0.36/0.26 = 1.38, so 2 < 1.38 + 0.8; 0.40 < 0.36 + 0.08.
    hot = (0.10, 0.10, 0.12, 0.20, 0.26, 0.36, 0.36)
    assert rules_at(find_active_fire(image_of(ground=hot, pixels={MIDDLE: small}))) == (
        False,
        True,
        False,
    )


def test_a_window_grows_until_a_quarter_is_background() -> None:
    small = (0.10, 0.08, 0.08, 0.08, 0.20, 0.24, 0.40)
    # Potential pixels everywhere within 4 of the middle: of the windows of 5, 7 and 9
    # none is background, of 11 x 11 it is 40 of 121.
    y, x = np.mgrid[31:40, 31:40]
    pixels = {(int(a), int(b)): small for a, b in zip(y.flat, x.flat, strict=True)}
    votes = find_active_fire(image_of(pixels=pixels))
    assert votes.kumar_roy[31:40, 31:40].all()
    # Potential pixels only: no background in any window.
    votes = find_active_fire(image_of(ground=small, side=9))
    assert not votes.kumar_roy.any()


def test_what_lies_beside_a_flame_counts_sooner() -> None:
    # Eq. 3 of Murphy: 0.6/0.25 = 2.4 >= 2, 0.6 >= 0.5; eq. 13 of Kumar & Roy:
    # 0.35 * 0.6 - 0.044 = 0.166 >= 0.15.
    halo = (0.10, 0.08, 0.08, 0.15, 0.25, 0.60, 0.30)
    beside, apart = (35, 36), (35, 38)
    votes = find_active_fire(
        image_of(pixels={MIDDLE: FLAME, beside: halo, apart: halo})
    )
    assert rules_at(votes, beside) == (False, True, True)
    assert rules_at(votes, apart) == (False, False, False)


def test_a_saturated_neighbour_is_fire_by_murphy_only_beside_a_flame() -> None:
    saturated = np.zeros((SIDE, SIDE), dtype=bool)
    saturated[35, 36] = saturated[5, 5] = True
    votes = find_active_fire(image_of(pixels={MIDDLE: FLAME}, saturated=saturated))
    assert votes.murphy[35, 36]
    assert not votes.murphy[5, 5]


def test_schroeder_sees_less_at_low_sun() -> None:
    # At 30 degrees 0.9 becomes 0.45, below the 0.5 of eq. 1; the others do not change.
    high = find_active_fire(image_of(ground=FLAME, side=1))
    low = find_active_fire(image_of(ground=FLAME, side=1, sun_elevation=30.0))
    assert rules_at(high, (0, 0)) == (True, True, True)
    assert rules_at(low, (0, 0)) == (False, True, True)


@pytest.mark.parametrize("band", BANDS)
def test_a_pixel_with_a_band_missing_is_not_judged(band: str) -> None:
    image = image_of(pixels={MIDDLE: FLAME})
    getattr(image, band)[MIDDLE] = np.nan
    votes = find_active_fire(image)
    assert not votes.judged[MIDDLE]
    assert votes.judged.sum() == SIDE * SIDE - 1
    assert not votes.count.any()


def test_dark_ground_divides_by_nothing() -> None:
    dark = (0.10, 0.05, 0.02, 0.01, 0.0, -0.001, 0.01)
    votes = find_active_fire(image_of(ground=dark, pixels={MIDDLE: FLAME}))
    assert votes.fire.sum() == 1


def test_single_precision_gives_the_same() -> None:
    image = image_of(pixels={MIDDLE: FLAME})
    single = image_of(
        **{name: getattr(image, name).astype(np.float32) for name in BANDS}
    )
    votes = find_active_fire(single)
    np.testing.assert_array_equal(votes.count, find_active_fire(image).count)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_sums_from_corners_are_those_of_the_window(seed: int, reach: int) -> None:
    rng = np.random.default_rng(seed)
    ratio, swir2 = rng.random((2, 40, 37)) * 3
    kept = rng.random((40, 37)) < 0.3
    y, x = rng.integers(0, 37, (2, 8))
    around = _Surroundings(ratio=ratio, swir2=swir2, kept=kept)
    found, share = around.judge(y, x, reach=reach)
    for n in range(len(y)):
        rows = slice(max(y[n] - reach, 0), y[n] + reach + 1)
        columns = slice(max(x[n] - reach, 0), x[n] + reach + 1)
        own = kept[rows, columns]
        assert share[n] == pytest.approx(own.mean())
        if not own.any():
            assert not found[n]
            continue
        limits = [
            v[rows, columns][own].mean() + max(3 * v[rows, columns][own].std(), least)
            for v, least in ((ratio, 0.8), (swir2, 0.08))
        ]
        assert found[n] == (ratio[y[n], x[n]] > limits[0] and
                            swir2[y[n], x[n]] > limits[1])  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"level": Level.SURFACE}, "surface reflectance"),
        ({"sun_elevation": -3.0}, "-3.0 degrees"),
        ({"sun_elevation": float("nan")}, "nan degrees"),
        ({"red": np.zeros((3, 3))}, "shapes"),
        ({"saturated": np.zeros((3, 3), dtype=bool)}, "shapes"),
        ({"swir2": np.full((SIDE, SIDE), 900.0)}, "900 is no fraction"),
    ],
)
def test_what_the_rules_were_not_made_for_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        image_of(**changes)
    assert str(caught.value).startswith("L1C: ")

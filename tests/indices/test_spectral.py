"""Indices against numbers worked out by hand, and the laws they obey."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agroforest.indices import INDICES, spectral
from agroforest.indices.optram import Edges, optram
from agroforest.indices.spectral import (
    crswir,
    evi,
    msi,
    nbr,
    ndmi,
    ndre,
    ndvi,
    nmdi,
)

# Two canopies: B02, B04, B05, B08, B8A, B11, B12 as they come from a product.
GREEN = {
    "B02": 0.03, "B04": 0.04, "B05": 0.10, "B08": 0.36, "B8A": 0.40, "B11": 0.20,
    "B12": 0.10,
}  # fmt: skip
DRY = {
    "B02": 0.06, "B04": 0.12, "B05": 0.16, "B08": 0.24, "B8A": 0.25, "B11": 0.30,
    "B12": 0.25,
}  # fmt: skip

# Share of the way from 864 nm to 2185.7 nm at which 1610.4 nm lies.
SHARE = Fraction(7464, 13217)

# Worked out by hand from the published formulas.
GOLDEN = [
    (ndvi, ("B08", "B04"), GREEN, Fraction(32, 40)),  # (36-4)/(36+4)
    (ndvi, ("B08", "B04"), DRY, Fraction(12, 36)),
    # numerator 2.5 times 0.32, denominator 0.36 + 0.24 - 0.225 + 1
    (evi, ("B08", "B04", "B02"), GREEN, Fraction(800, 1375)),
    # numerator 2.5 times 0.12, denominator 0.24 + 0.72 - 0.45 + 1
    (evi, ("B08", "B04", "B02"), DRY, Fraction(30, 151)),
    (ndmi, ("B8A", "B11"), GREEN, Fraction(1, 3)),
    (ndmi, ("B8A", "B11"), DRY, Fraction(-5, 55)),
    (ndmi, ("B08", "B11"), GREEN, Fraction(16, 56)),
    (msi, ("B11", "B08"), GREEN, Fraction(20, 36)),
    (msi, ("B11", "B08"), DRY, Fraction(30, 24)),
    (nmdi, ("B8A", "B11", "B12"), GREEN, Fraction(30, 50)),  # (40-10)/(40+10)
    (nmdi, ("B8A", "B11", "B12"), DRY, Fraction(20, 30)),
    (nbr, ("B8A", "B12"), GREEN, Fraction(30, 50)),
    (nbr, ("B8A", "B12"), DRY, Fraction(0)),
    (ndre, ("B8A", "B05"), GREEN, Fraction(30, 50)),
    (ndre, ("B8A", "B05"), DRY, Fraction(9, 41)),
    # 0.2 / (0.4 - 0.3 * share) = 0.8680...
    (crswir, ("B8A", "B11", "B12"), GREEN, Fraction(2) / (4 - 3 * SHARE)),
    (crswir, ("B8A", "B11", "B12"), DRY, Fraction(30, 25)),
]


@pytest.mark.parametrize(("function", "bands", "canopy", "expected"), GOLDEN)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_golden(
    function: Callable[..., np.ndarray],
    bands: tuple[str, ...],
    canopy: dict[str, float],
    expected: Fraction,
    dtype: type[np.floating],
) -> None:
    found = function(*(np.array([canopy[b]], dtype) for b in bands))
    assert found.dtype == dtype
    tolerance = 2e-7 if dtype is np.float32 else 1e-15
    assert found[0] == pytest.approx(float(expected), rel=tolerance, abs=tolerance)


def test_the_share_of_crswir_in_decimals() -> None:
    """Another hand computation, by calculator: 746.4 / 1321.7."""
    found = crswir(np.array([0.4]), np.array([0.2]), np.array([0.1]))
    assert found[0] == pytest.approx(0.2 / (0.4 - 0.3 * 0.5647272), rel=1e-6)


EDGES = Edges(0.0, 1.0, 4.0, 6.0)
NAN = np.nan

# Where a formula has no meaning.
NODATA = [
    (ndvi, (0.0, 0.0), NAN),
    (ndvi, (NAN, 0.1), NAN),
    (ndvi, (0.1, NAN), NAN),
    (ndvi, (0.1, -0.1), NAN),  # sum zero
    (ndvi, (-0.02, 0.01), NAN),  # sum below zero
    (ndvi, (0.3, -0.01), 1.0),  # negative red counts as none
    (ndvi, (-0.01, 0.3), -1.0),
    (ndvi, (np.inf, 0.1), NAN),
    (ndvi, (0.3, 0.0), 1.0),
    (ndvi, (0.0, 0.3), -1.0),
    (msi, (0.2, 0.0), NAN),
    (msi, (0.2, -0.1), NAN),
    (msi, (0.2, 0.05), NAN),  # 4, beyond the limit of 3
    (msi, (-0.01, 0.2), NAN),
    (evi, (1.0, 1.0, 1.2), NAN),  # 1 + 6 - 9 + 1 below zero: cloud
    (nmdi, (0.1, 0.1, 0.2), NAN),  # denominator zero
    (nmdi, (0.3, 0.2, 0.25), 0.35 / 0.25),  # burnt: above 1
    (crswir, (0.0, 0.1, 0.0), NAN),
]


@pytest.mark.parametrize(("function", "values", "expected"), NODATA)
def test_no_meaning_is_nodata(
    function: Callable[..., np.ndarray], values: tuple[float, ...], expected: float
) -> None:
    found = function(*(np.array([v], np.float32) for v in values))
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_whole_numbers_do_not_wrap() -> None:
    """Digital numbers of a normalised difference give the same index."""
    red, nir = np.array([4000], np.uint16), np.array([1000], np.uint16)
    found = ndvi(nir, red)
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(-0.6)


REFLECTANCE = st.floats(float(np.float32(-0.1)), float(np.float32(1.6)), width=32)


def call(name: str, bands: list[Any]) -> Any:
    index = INDICES[name]
    extra = {"edges": EDGES} if name == "optram" else {}
    return index.function(*bands[: len(index.bands)], **extra)


@pytest.mark.parametrize("name", INDICES)
@settings(deadline=None)
@given(
    values=arrays(
        np.float32,
        (3, 8),
        elements=st.one_of(REFLECTANCE, st.just(NAN)),
        fill=st.nothing(),
    )
)
def test_an_index_stays_in_its_range(name: str, values: np.ndarray) -> None:
    lowest, highest = INDICES[name].valid_range
    found = call(name, list(values))
    assert found.dtype == np.float32
    known = found[~np.isnan(found)]
    assert ((known >= lowest) & (known <= highest)).all()
    needed = values[: len(INDICES[name].bands)]
    assert np.isnan(found[np.isnan(needed).any(axis=0)]).all()


@pytest.mark.parametrize("name", INDICES)
def test_ordinary_ground_has_every_index(name: str) -> None:
    """The range property would hold of an index that is always nodata."""
    bands = [np.array([GREEN[b], DRY[b]], np.float32) for b in INDICES[name].bands]
    found = call(name, bands)
    assert not np.isnan(found).any()
    assert found[0] != found[1]


@pytest.mark.parametrize("function", [ndvi, ndmi, nbr, ndre, msi])
@settings(deadline=None)
@given(
    first=st.floats(0.001, 1.0),
    second=st.floats(0.001, 1.0),
    factor=st.floats(0.01, 10_000),
)
def test_ratios_do_not_depend_on_the_scale(
    function: Callable[..., np.ndarray], first: float, second: float, factor: float
) -> None:
    plain = function(np.array([first]), np.array([second]))
    scaled = function(np.array([first * factor]), np.array([second * factor]))
    np.testing.assert_allclose(plain, scaled, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(first=REFLECTANCE, second=REFLECTANCE)
def test_a_normalised_difference_is_odd(first: float, second: float) -> None:
    a, b = np.array([first]), np.array([second])
    np.testing.assert_array_equal(ndvi(a, b), -ndvi(b, a))


@st.composite
def chunked(draw: st.DrawFn) -> tuple[list[np.ndarray], list[da.Array]]:
    """Three bands, each cut in its own way."""
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    bands = draw(
        st.lists(
            arrays(np.float32, shape, elements=REFLECTANCE), min_size=3, max_size=3
        )
    )
    cuts = [
        tuple(draw(st.integers(1, side)) for side in shape) for _ in range(len(bands))
    ]
    return bands, [da.from_array(b, chunks=c) for b, c in zip(bands, cuts, strict=True)]


@pytest.mark.parametrize("name", INDICES)
@settings(max_examples=25, deadline=None)
@given(data=chunked())
def test_lazy_equals_eager(
    name: str, data: tuple[list[np.ndarray], list[da.Array]]
) -> None:
    bands, lazy = data
    expected = call(name, bands)
    found = call(name, lazy)
    assert isinstance(found, da.Array)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.compute(scheduler="synchronous"), expected)

    labelled = call(name, [xr.DataArray(b, dims=("y", "x")) for b in lazy])
    assert isinstance(labelled, xr.DataArray)
    assert labelled.chunks is not None
    np.testing.assert_array_equal(
        labelled.compute(scheduler="synchronous").values, expected
    )


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_may_be_laid_out_in_any_way(name: str, dtype: type[np.floating]) -> None:
    """More pixels than are computed at a time, and a row spread over a column."""
    rng = np.random.default_rng(1)
    whole = rng.uniform(-0.05, 1.1, (3, 60, 70)).astype(dtype)
    expected = call(name, list(whole))
    assert expected.dtype == dtype
    assert np.isfinite(expected).mean() > 0.5

    turned = call(name, [np.asfortranarray(band) for band in whole])
    np.testing.assert_array_equal(turned, expected)
    part = call(name, [band[::-2, 3:] for band in whole])
    np.testing.assert_array_equal(part, expected[::-2, 3:])
    first, *others = list(whole)
    spread = call(name, [first[:, :1], *others])
    filled = call(name, [np.repeat(first[:, :1], 70, axis=1), *others])
    np.testing.assert_array_equal(spread, filled)
    whole.flags.writeable = False
    np.testing.assert_array_equal(call(name, list(whole)), expected)


def test_optram_is_the_distance_between_the_edges() -> None:
    """By hand: NDVI 0.5; dry 0.5, wet 7; R 0.2: STR = 0.64 / 0.4 = 1.6."""
    nir, red, swir = (np.array([v]) for v in (0.3, 0.1, 0.2))
    found = optram(nir, red, swir, edges=EDGES)
    assert found[0] == pytest.approx((1.6 - 0.5) / (7.0 - 0.5))


def test_every_public_function_says_where_it_comes_from() -> None:
    for index in INDICES.values():
        doc = index.function.__doc__ or ""
        assert index.name == "optram" or "References\n" in doc, index.name
    assert spectral.__doc__

"""STR, wetness and the edges of the trapezoid."""

from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.errors import DataError
from agroforest.indices.optram import (
    EdgeCounts,
    Edges,
    scene_edges,
    transformed_reflectance,
    wetness,
)
from agroforest.indices.spectral import ndvi

EDGES = Edges(0.5, 1.5, 4.0, 3.0)


@pytest.mark.parametrize(
    ("reflectance", "expected"),
    [
        (0.5, 0.25),  # 0.25 / 1
        (0.2, 1.6),  # 0.64 / 0.4
        (0.1, 4.05),  # 0.81 / 0.2
        (1.0, 0.0),
        (0.0, np.nan),
        (-0.01, np.nan),
        (1.2, np.nan),
        (np.nan, np.nan),
    ],
)
def test_transformed_reflectance(reflectance: float, expected: float) -> None:
    found = transformed_reflectance(np.array([reflectance]))
    np.testing.assert_allclose(found, [expected], rtol=1e-12)


@pytest.mark.parametrize(
    ("transformed", "expected"),
    [
        (1.1, 0.0),  # on the dry edge at NDVI 0.4: 0.5 + 0.6
        (5.2, 1.0),  # on the wet edge: 4 + 1.2
        (3.15, 0.5),
        (0.3, 0.0),  # drier than the edge
        (9.0, 1.0),  # standing water
        (np.nan, np.nan),
    ],
)
def test_wetness_between_the_edges(transformed: float, expected: float) -> None:
    found = wetness(np.array([0.4]), np.array([transformed]), edges=EDGES)
    np.testing.assert_allclose(found, [expected], atol=1e-12)


def test_crossing_edges_say_nothing() -> None:
    crossing = Edges(0.0, 4.0, 2.0, 0.0)  # they meet at NDVI 0.5
    greenness, transformed = np.array([0.4, 0.5, 0.6]), np.full(3, 1.9)
    found = wetness(greenness, transformed, edges=crossing)
    assert np.isnan(found).tolist() == [False, True, True]


def landscape(seed: int, pixels: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """Pixels spread evenly between known edges, a few far outside."""
    rng = np.random.default_rng(seed)
    greenness = rng.uniform(0.05, 0.9, pixels)
    dry = EDGES.dry_intercept + EDGES.dry_slope * greenness
    wet = EDGES.wet_intercept + EDGES.wet_slope * greenness
    transformed = dry + rng.uniform(0, 1, pixels) * (wet - dry)
    transformed[: pixels // 100] = 18.0  # water that slipped through a mask
    return greenness, transformed


def test_edges_are_found_again() -> None:
    found = EdgeCounts().add(*landscape(1)).edges()
    # 5 % of the pixels lie outside either edge, by definition.
    greenness = np.array([0.1, 0.5, 0.9])
    dry = found.dry_intercept + found.dry_slope * greenness
    wet = found.wet_intercept + found.wet_slope * greenness
    true_dry = EDGES.dry_intercept + EDGES.dry_slope * greenness
    true_wet = EDGES.wet_intercept + EDGES.wet_slope * greenness
    width = true_wet - true_dry
    np.testing.assert_allclose(dry, true_dry + 0.05 * width, atol=0.08)
    np.testing.assert_allclose(wet, true_wet - 0.05 * width, atol=0.12)


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 5000), max_size=6))
def test_counts_add_up_in_any_grouping(cuts: list[int]) -> None:
    greenness, transformed = landscape(2, 5000)
    whole = EdgeCounts().add(greenness, transformed)
    parts = EdgeCounts()
    bounds = [0, *sorted(cuts), 5000]
    for first, end in pairwise(bounds):
        parts = EdgeCounts().add(greenness[first:end], transformed[first:end]) + parts
    assert parts.edges() == whole.edges()


# Ends of intervals, their neighbours, what lies outside, and anything between.
ENDS = st.integers(-2, 52).map(lambda k: k * 0.02) | st.integers(-2, 2002).map(
    lambda k: k * 0.01
)
NEAR = st.tuples(ENDS, st.sampled_from([-np.inf, np.inf])).map(
    lambda pair: float(np.nextafter(*pair))
)
ANY = ENDS | NEAR | st.floats(-1, 25) | st.floats()


@settings(deadline=None)
@given(
    pixels=st.lists(st.tuples(ANY, ANY, st.booleans()), max_size=60),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_counts_are_those_of_a_histogram(
    pixels: list[tuple[float, float, bool]], dtype: type[np.floating]
) -> None:
    x, y, usable = (np.array([p[n] for p in pixels]) for n in range(3))
    with np.errstate(over="ignore"):
        x, y = x.astype(dtype), y.astype(dtype)
    usable = usable.astype(bool)
    known = usable & np.isfinite(x) & np.isfinite(y)
    expected, _, _ = np.histogram2d(
        x[known], y[known], bins=(50, 2000), range=((0, 1), (0, 20))
    )
    found = EdgeCounts().add(x, y, usable=usable)
    np.testing.assert_array_equal(found._table, expected)


def test_counts_of_many_pixels_are_those_of_a_histogram() -> None:
    greenness, transformed = (a.astype(np.float32) for a in landscape(4, 10_001))
    expected, _, _ = np.histogram2d(
        greenness, transformed, bins=(50, 2000), range=((0, 1), (0, 20))
    )
    found = EdgeCounts().add(greenness, transformed)
    np.testing.assert_array_equal(found._table, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bands_are_counted_as_their_indices_are(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(7)
    nir, red, swir = rng.uniform(-0.05, 1.1, (3, 50, 60)).astype(dtype)
    usable = rng.random((50, 60)) > 0.3
    swir[0] = np.nan
    found = EdgeCounts().add_bands(nir, red, swir, usable=usable)
    by_index = EdgeCounts().add(
        ndvi(nir, red), transformed_reflectance(swir), usable=usable
    )
    np.testing.assert_array_equal(found._table, by_index._table)
    assert 0 < found._table.sum() < usable.sum()


def test_too_few_pixels_are_refused() -> None:
    counts = EdgeCounts().add(np.full(1000, 0.5), np.linspace(1, 5, 1000))
    with pytest.raises(DataError, match="1 NDVI intervals of 50 pixels"):
        counts.edges()


def bands(shape: tuple[int, int] = (120, 130)) -> xr.Dataset:
    rng = np.random.default_rng(3)
    return xr.Dataset(
        {
            name: (("y", "x"), rng.uniform(*span, shape).astype(np.float32))
            for name, span in {
                "B08": (0.2, 0.5), "B04": (0.02, 0.25), "B12": (0.05, 0.5),
            }.items()
        }
    )  # fmt: skip


@pytest.mark.parametrize("chunks", [{"y": 50, "x": 33}, {"y": -1, "x": -1}])
def test_edges_of_a_lazy_scene_are_those_of_the_eager_one(
    chunks: dict[str, int],
) -> None:
    dataset = bands()
    eager = dataset.agro.optram()
    lazy = dataset.chunk(chunks).agro.optram()
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy.compute().values, eager.values)
    assert 0.1 < float(eager.mean()) < 0.9


def test_clouded_pixels_take_no_part_in_the_edges() -> None:
    dataset = bands()
    clear = dataset.agro.optram()
    clouded = dataset.copy(deep=True)
    clouded["B12"].values[:, :60] = 0.9
    usable = np.ones(dataset["B12"].shape, bool)
    usable[:, :60] = False
    clouded["usable"] = (("y", "x"), usable)
    half = dataset.isel(x=slice(60, None)).agro.optram()
    np.testing.assert_array_equal(clouded.agro.optram().values[:, 60:], half.values)
    assert not np.array_equal(half.values, clear.values[:, 60:])


@pytest.mark.parametrize("lazy", ["B08", "B12", "usable"])
def test_a_scene_may_be_lazy_in_part(lazy: str) -> None:
    dataset = bands()
    dataset["usable"] = (("y", "x"), np.random.default_rng(5).random((120, 130)) > 0.2)
    eager = dataset.agro.optram()
    dataset[lazy] = dataset[lazy].chunk(y=50)
    np.testing.assert_array_equal(dataset.agro.optram().values, eager.values)


def test_refused_edges_are_nan_where_a_product_must_go_on() -> None:
    assert all(map(np.isnan, astuple(EdgeCounts().edges_or_nan())))
    counts = EdgeCounts().add(*landscape(1))
    expected = [np.float32(number) for number in astuple(counts.edges())]
    assert list(astuple(counts.edges_or_nan())) == expected


def test_a_scene_without_enough_ground_has_no_wetness() -> None:
    few = bands((4, 4))
    assert np.isnan(few.agro.optram()).all()
    assert np.isnan(scene_edges(few["B08"], few["B04"], few["B12"]).dry_slope)

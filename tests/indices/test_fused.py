"""Several indices in one pass."""

import pickle
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.indices import INDICES, compute, encode
from agroforest.indices.encoding import NODATA
from agroforest.indices.fused import Recipe, build_recipe
from agroforest.indices.optram import Edges

Float64: TypeAlias = NDArray[np.float64]
BANDS = ("B02", "B04", "B05", "B08", "B8A", "B11", "B12")
EDGES = Edges(0.3, 1.1, 4.0, 6.0)
ALL = tuple(INDICES)


def reference(name: str, bands: dict[str, np.ndarray]) -> np.ndarray:
    """Indices in float64 as they are published, written once more."""
    b02, b04, b05, b08, b8a, b11, b12 = (bands[b].astype(np.float64) for b in BANDS)

    def difference(first: Float64, second: Float64) -> Float64:
        return (first - second) / (first + second)

    greenness = difference(b08, b04)
    dry, wet = 0.3 + 1.1 * greenness, 4.0 + 6.0 * greenness
    line = b8a + (b12 - b8a) * (1610.4 - 864.0) / (2185.7 - 864.0)
    values: dict[str, np.ndarray] = {
        "ndvi": greenness,
        "evi": 2.5 * (b08 - b04) / (b08 + 6 * b04 - 7.5 * b02 + 1),
        "ndmi": difference(b8a, b11),
        "ndmi_b08": difference(b08, b11),
        "msi": b11 / b08,
        "nmdi": difference(b8a, b11 - b12),
        "nbr": difference(b8a, b12),
        "ndre": difference(b8a, b05),
        "crswir": b11 / line,
        "optram": np.clip(((1 - b12) ** 2 / (2 * b12) - dry) / (wet - dry), 0, 1),
    }
    return values[name]


def run(
    recipe: Recipe,
    bands: dict[str, np.ndarray],
    usable: np.ndarray,
    edges: Edges | None = EDGES,
) -> np.ndarray:
    out = np.full((len(recipe.names), *usable.shape), 77, np.int16)
    stack = np.stack([bands[b] for b in recipe.bands])
    recipe.compute(stack, usable, out, edges=edges)
    return out


def ground(shape: tuple[int, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Reflectance of land as products hold it, in steps of 1/10000."""
    rng = np.random.default_rng(seed)
    spans = {
        "B02": (0.01, 0.1), "B04": (0.01, 0.2), "B05": (0.05, 0.25),
        "B08": (0.15, 0.5), "B8A": (0.15, 0.5), "B11": (0.05, 0.4),
        "B12": (0.02, 0.3),
    }  # fmt: skip
    return {
        band: rng.uniform(*span, shape).round(4).astype(np.float32)
        for band, span in spans.items()
    }


def test_land_gets_the_published_values() -> None:
    bands = ground((40, 60))
    usable = np.random.default_rng(1).random((40, 60)) > 0.2
    found = run(build_recipe(ALL, BANDS), bands, usable)
    for layer, name in zip(found, ALL, strict=True):
        value = reference(name, bands)
        low, high = INDICES[name].valid_range
        # Beyond a limit is nodata; within rounding of it float32 may differ.
        inside = usable & (value > low - 1e-5) & (value < high + 1e-5)
        assert inside[usable].mean() > 0.95
        expected = np.rint(value * 10_000)
        assert (np.abs(layer - expected)[inside] <= 1).all(), name
        assert (layer[~inside] == NODATA).all(), name


WILD = (
    st.floats(width=32)
    | st.floats(-0.0625, 1.5, width=32)
    | st.sampled_from([0.0, -0.0, 1e-45, 3e38, np.nan, np.inf, -np.inf])
)


@settings(max_examples=200, deadline=None)
@given(
    values=arrays(np.float32, (len(BANDS), 3, 5), elements=WILD),
    usable=arrays(np.bool_, (3, 5)),
    numbers=st.tuples(*[st.floats(-10, 10) | st.just(np.nan)] * 4),
)
def test_any_pixel_gets_what_the_indices_give_one_by_one(
    values: np.ndarray, usable: np.ndarray, numbers: tuple[float, ...]
) -> None:
    """Exactly: both apply the same compiled formula in float32."""
    # More pixels than vector code takes at once.
    values, usable = np.tile(values, 30), np.tile(usable, 30)
    edges = Edges(*numbers)
    dataset = xr.Dataset(
        {band: (("y", "x"), v) for band, v in zip(BANDS, values, strict=True)}
    )
    bands = dict(zip(BANDS, values, strict=True))
    found = run(build_recipe(ALL, BANDS), bands, usable, edges)
    for layer, name in zip(found, ALL, strict=True):
        extra = {"edges": edges} if name == "optram" else {}
        index = compute(name, dataset, **extra).where(
            xr.DataArray(usable, dims=("y", "x"))
        )
        np.testing.assert_array_equal(layer, encode(index.values), name)


@settings(max_examples=30, deadline=None)
@given(
    width=st.sampled_from([1, 7, 1023, 1024, 1025, 3000]),
    cuts=st.lists(st.integers(0, 6), max_size=4),
    names=st.lists(st.sampled_from(ALL), min_size=1, max_size=4, unique=True),
)
def test_strips_make_up_the_whole(
    width: int, cuts: list[int], names: list[str]
) -> None:
    bands = ground((6, width), seed=2)
    usable = np.random.default_rng(3).random((6, width)) > 0.3
    recipe = build_recipe(names, BANDS)
    whole = run(recipe, bands, usable)
    stack = np.stack([bands[b] for b in recipe.bands])
    out = np.full((len(names), 6, width), 77, np.int16)
    bounds = [0, *sorted(cuts), 6]
    for first, end in pairwise(bounds):
        rows = slice(first, end)
        recipe.compute(stack[:, rows], usable[rows], out[:, rows], edges=EDGES)
    np.testing.assert_array_equal(out, whole)


def test_only_the_strip_is_written() -> None:
    bands, usable = ground((4, 9)), np.ones((4, 9), bool)
    recipe = build_recipe(("ndvi", "nbr"), BANDS)
    out = np.full((2, 6, 9), 77, np.int16)
    recipe.compute(np.stack([bands[b] for b in recipe.bands]), usable, out[:, 1:5])
    assert (out[:, [0, 5]] == 77).all()
    np.testing.assert_array_equal(out[:, 1:5], run(recipe, bands, usable))


def test_views_of_bands_and_read_only_bands_do() -> None:
    bands, usable = ground((8, 10)), np.random.default_rng(4).random((8, 10)) > 0.5
    recipe = build_recipe(("evi", "crswir"), BANDS)
    stack = np.stack([bands[b] for b in recipe.bands])
    expected = run(recipe, bands, usable)
    out = np.empty((2, 8, 5), np.int16)
    stack.flags.writeable = usable.flags.writeable = False
    recipe.compute(stack[:, :, ::2], usable[:, ::2], out)
    np.testing.assert_array_equal(out, expected[:, :, ::2])


def test_an_empty_strip_is_no_work() -> None:
    recipe = build_recipe(("ndvi",), BANDS)
    for shape in ((0, 5), (5, 0)):
        recipe.compute(
            np.empty((2, *shape), np.float32),
            np.empty(shape, bool),
            np.empty((1, *shape), np.int16),
        )


def test_a_recipe_reads_each_band_once_in_the_order_of_use() -> None:
    recipe = build_recipe(["ndmi", "ndvi", "ndmi", "evi"], [*BANDS, "SCL"])
    assert recipe.names == ("ndmi", "ndvi", "evi")
    assert recipe.bands == ("B8A", "B11", "B08", "B04", "B02")
    assert not recipe.needs_edges
    assert build_recipe(["optram", "ndvi"], BANDS).needs_edges


def test_substitutes_are_those_of_the_index() -> None:
    bands = ground((5, 5))
    recipe = build_recipe(["ndvi", "ndmi"], ("B04", "B8A", "B11"))
    assert recipe.bands == ("B8A", "B04", "B11")
    found = run(recipe, bands, np.ones((5, 5), bool))
    b8a, b04 = bands["B8A"].astype(float), bands["B04"].astype(float)
    np.testing.assert_allclose(found[0], 1e4 * (b8a - b04) / (b8a + b04), atol=1)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ([], ConfigurationError, "none is named; use one of ndvi"),
        (["ndvi", "ndwi"], ConfigurationError, "'ndwi'; use one of ndvi"),
        (["ndvi", "nbr"], DataError, "index nbr: needs B12, has B04 B08 B8A"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(
    names: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        build_recipe(names, ("B04", "B08", "B8A"))


def test_a_recipe_travels_to_workers() -> None:
    recipe = build_recipe(ALL, BANDS)
    copy = pickle.loads(pickle.dumps(recipe))  # noqa: S301  our own bytes
    assert copy == recipe
    bands, usable = ground((3, 3)), np.ones((3, 3), bool)
    np.testing.assert_array_equal(run(copy, bands, usable), run(recipe, bands, usable))


def test_edges_are_asked_for_and_may_be_unknown() -> None:
    bands, usable = ground((4, 4)), np.ones((4, 4), bool)
    recipe = build_recipe(("optram", "ndvi"), BANDS)
    with pytest.raises(ValueError, match="no edges"):
        run(recipe, bands, usable, edges=None)
    unknown = run(recipe, bands, usable, edges=Edges(*[np.nan] * 4))
    assert (unknown[0] == NODATA).all()
    assert (unknown[1] != NODATA).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"bands": np.empty((3, 4, 5), np.float32)}, r"bands is float32 \(3, 4, 5\)"),
        ({"bands": np.empty((2, 4, 5))}, "bands is float64"),
        ({"usable": np.ones((4, 5), np.uint8)}, "usable is uint8"),
        ({"usable": np.ones((4, 6), bool)}, r"bands is .* \(2, 4, 6\)"),
        ({"out": np.empty((1, 4, 6), np.int16)}, "usable is bool"),
        ({"out": np.empty((2, 4, 5), np.int16)}, r"not int16 \(1, 4, 5\)"),
        ({"out": np.empty((1, 4, 5), np.uint16)}, "out is uint16"),
        ({"out": np.empty((1, 4, 10), np.int16)[:, :, ::2]}, "side by side"),
        ({"out": np.empty((1, 4, 10), np.int16)[:, :, :5]}, "side by side"),
        ({"out": np.empty((1, 5, 4), np.int16).transpose(0, 2, 1)}, "side by side"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {
        "bands": np.zeros((2, 4, 5), np.float32),
        "usable": np.ones((4, 5), bool),
        "out": np.empty((1, 4, 5), np.int16),
        **changed,
    }
    with pytest.raises(ValueError, match=message):
        build_recipe(("ndvi",), BANDS).compute(**arguments)

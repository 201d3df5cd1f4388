"""Indices by name, and the accessor."""

import re
import subprocess
import sys

import numpy as np
import pytest
import rioxarray  # noqa: F401  registers the `rio` accessor
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.indices import INDICES, compute, find_index
from agroforest.indices.accessor import AgroAccessor

BANDS = ("B02", "B03", "B04", "B05", "B08", "B8A", "B11", "B12")
#: The spectral indices the issue of this package names, by its spelling.
REQUIRED = {
    "ndvi", "evi", "ndmi", "msi", "nmdi", "nbr", "ndre", "crswir", "optram",
}  # fmt: skip


def cube(*bands: str, shape: tuple[int, int, int] = (2, 60, 80)) -> xr.Dataset:
    rng = np.random.default_rng(11)
    dims = ("time", "y", "x")
    dataset = xr.Dataset(
        {
            band: (
                dims,
                rng.uniform(0.02, 0.6, shape).astype(np.float32),
                {
                    "long_name": f"reflectance {band}",
                    "scale_factor": 1e-4,
                    "sensor": "msi",
                    "number": position,
                },
            )
            for position, band in enumerate(bands or BANDS)
        },
        coords={
            "time": np.array(["2024-05-01", "2024-05-06"], "datetime64[ns]"),
            "y": 2_500_000.0 - 10 * np.arange(shape[1]),
            "x": 500_000.0 + 10 * np.arange(shape[2]),
        },
        attrs={"scene": "a scene"},
    )
    for band in dataset.data_vars:
        dataset[band].values[0, 0, 0] = np.nan
        dataset[band] = dataset[band].rio.write_nodata(np.nan)
    placed: xr.Dataset = dataset.rio.write_crs("EPSG:32649")
    return placed


def test_the_registry_holds_every_index() -> None:
    assert set(INDICES) >= REQUIRED
    for name, index in INDICES.items():
        assert name == index.name
        assert name.isidentifier()
        assert re.search("[一-鿿]", index.title_zh)
        assert index.title_en
        assert index.reference
        low, high = index.display_range
        assert index.valid_range[0] <= low < high <= index.valid_range[1]
        if index.middle is not None:
            assert index.middle - low == pytest.approx(high - index.middle)
            assert index.diverging


def test_colour_maps_exist() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    for index in INDICES.values():
        assert index.colormap in matplotlib.colormaps


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("lazy", [False, True])
def test_an_index_keeps_place_and_attributes(name: str, lazy: bool) -> None:
    dataset = cube()
    given_ = dataset.chunk(time=1, y=17, x=29) if lazy else dataset
    found = getattr(given_.agro, name)()

    assert found.name == name
    assert (found.chunks is not None) is lazy
    assert found.dims == ("time", "y", "x")
    assert found.dtype == np.float32
    assert found.rio.crs == dataset.rio.crs
    assert np.isnan(found.rio.nodata)
    for coordinate in ("time", "y", "x"):
        xr.testing.assert_identical(found[coordinate], dataset[coordinate])
    assert found.attrs["scene"] == "a scene"
    assert found.attrs["sensor"] == "msi"
    assert "scale_factor" not in found.attrs
    assert "number" not in found.attrs  # the bands do not agree on it
    assert found.attrs["long_name"] == INDICES[name].title_en
    assert found.attrs["reference"] == INDICES[name].reference
    assert found.attrs["valid_range"] == list(INDICES[name].valid_range)
    assert found.attrs["bands"].split() == list(INDICES[name].bands)
    assert "comment" not in found.attrs
    assert np.isnan(found.values[0, 0, 0])
    assert np.isfinite(found.values[1]).any()


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(INDICES)),
    chunks=st.tuples(st.integers(1, 2), st.integers(9, 60), st.integers(9, 80)),
)
def test_lazy_equals_eager(name: str, chunks: tuple[int, int, int]) -> None:
    dataset = cube()
    lazy = compute(
        name, dataset.chunk(dict(zip(("time", "y", "x"), chunks, strict=True)))
    )
    xr.testing.assert_identical(
        lazy.compute(scheduler="synchronous"), compute(name, dataset)
    )


def test_nothing_is_computed_before_it_is_asked_for() -> None:
    import dask.array as da  # noqa: PLC0415

    def refuse(_: np.ndarray) -> np.ndarray:
        raise AssertionError("computed")

    never = da.zeros((4, 4), dtype=np.float32).map_blocks(refuse, dtype=np.float32)
    dataset = xr.Dataset(dict.fromkeys(BANDS, (("y", "x"), never)))
    for name in INDICES:
        found = compute(name, dataset)
        with pytest.raises(AssertionError, match="computed"):
            found.compute(scheduler="synchronous")


@pytest.mark.parametrize("declare", ["attribute", "rio"])
def test_declared_nodata_numbers_are_nodata(declare: str) -> None:
    dataset = cube()
    for band in ("B08", "B04"):
        dataset[band].values[1, 3, 4] = -9999.0
        if declare == "rio":
            dataset[band] = dataset[band].rio.write_nodata(-9999.0)
        else:
            dataset[band].attrs = {"nodata": -9999}
    found = dataset.agro.ndvi()
    assert np.isnan(found.values[1, 3, 4])
    assert np.isnan(found.rio.nodata)
    assert np.isfinite(found.values[1]).sum() == 60 * 80 - 1


def test_a_missing_band_is_replaced_where_that_is_sound_and_said() -> None:
    theia = cube("B02", "B03", "B04", "B8A", "B11", "B12")
    found = theia.agro.ndvi()
    assert found.attrs["bands"] == "B8A B04"
    assert found.attrs["comment"] == "B8A in place of B08"
    b8a, b04 = theia["B8A"].values, theia["B04"].values
    np.testing.assert_allclose(found.values, (b8a - b04) / (b8a + b04), rtol=1e-5)
    assert theia.agro.ndmi().attrs["bands"] == "B8A B11"
    assert cube("B08", "B11").agro.ndmi().attrs["comment"] == "B08 in place of B8A"


@pytest.mark.parametrize(
    ("name", "bands", "message"),
    [
        ("ndre", ("B04", "B8A"), "index ndre: needs B05, has B04 B8A"),
        ("ndvi", ("B04", "B11"), r"index ndvi: needs B08 \(or B8A\), has B04 B11"),
        ("evi", ("B8A",), "index evi: needs B04 and B02, has B8A"),
        ("crswir", ("B08", "B11", "B12"), "index crswir: needs B8A, has"),
        ("ndmi_b08", ("B8A", "B11"), "index ndmi_b08: needs B08, has"),
        ("nbr", ("usable",), r"needs B8A \(or B08\) and B12, has usable"),
    ],
)
def test_a_band_that_cannot_be_replaced_is_named(
    name: str, bands: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        compute(name, cube(*bands))


def test_an_unknown_index_lists_those_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match=r"index: 'ndwi'; use one of ndvi, evi"
    ):
        find_index("ndwi")
    with pytest.raises(ConfigurationError, match="'ndwi'"):
        compute("ndwi", cube())


def test_parameters_that_an_index_does_not_take_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"index ndvi: parameters \['gain'\]"):
        compute("ndvi", cube(), gain=2.0)


def test_the_accessor_offers_exactly_the_registry() -> None:
    offered = {n for n in vars(AgroAccessor) if not n.startswith("_")} - {"index"}
    assert offered == set(INDICES)


def test_the_accessor_comes_when_it_is_imported() -> None:
    code = (
        "import agroforest.indices.fused, sys; assert 'xarray' not in sys.modules\n"
        "import agroforest.indices.accessor, xarray\n"
        "assert hasattr(xarray.Dataset, 'agro')\n"
        "assert 'torch' not in sys.modules and 'rasterio' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)  # noqa: S603  our own text

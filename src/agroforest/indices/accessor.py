"""``dataset.agro``: every index as a method of a dataset of reflectances."""

import xarray as xr

from agroforest.indices.optram import Edges
from agroforest.indices.registry import compute


@xr.register_dataset_accessor("agro")  # type: ignore[no-untyped-call]  # xarray has no types here
class AgroAccessor:
    """Indices of a dataset whose variables are reflectances, ``B02`` to ``B12``.

    Lazy variables give lazy results. See `agroforest.indices.registry.compute`
    for nodata, attributes and errors, and the functions of
    `agroforest.indices.spectral` for formulas and papers.
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def index(self, name: str, **parameters: object) -> xr.DataArray:
        """Any index of the registry by name."""
        return compute(name, self._dataset, **parameters)

    def ndvi(self) -> xr.DataArray:
        """Normalised difference vegetation index (B08, B04)."""
        return self.index("ndvi")

    def evi(self) -> xr.DataArray:
        """Enhanced vegetation index (B08, B04, B02)."""
        return self.index("evi")

    def ndmi(self) -> xr.DataArray:
        """Normalised difference moisture index (B8A, B11)."""
        return self.index("ndmi")

    def ndmi_b08(self) -> xr.DataArray:
        """Ten-metre variant of the moisture index (B08, B11)."""
        return self.index("ndmi_b08")

    def msi(self) -> xr.DataArray:
        """Moisture stress index (B11, B08)."""
        return self.index("msi")

    def nmdi(self) -> xr.DataArray:
        """Normalised multi-band drought index (B8A, B11, B12)."""
        return self.index("nmdi")

    def nbr(self) -> xr.DataArray:
        """Normalised burn ratio (B8A, B12)."""
        return self.index("nbr")

    def ndre(self) -> xr.DataArray:
        """Normalised difference red-edge index (B8A, B05)."""
        return self.index("ndre")

    def crswir(self) -> xr.DataArray:
        """Continuum removal of the shortwave infrared (B8A, B11, B12)."""
        return self.index("crswir")

    def optram(self, edges: Edges | None = None) -> xr.DataArray:
        """Soil wetness (B08, B04, B12); edges from this dataset unless given."""
        return self.index("optram", **({} if edges is None else {"edges": edges}))

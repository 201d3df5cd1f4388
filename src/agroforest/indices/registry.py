"""The indices by name: bands, range, titles and how to draw them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.indices import optram, spectral
from agroforest.indices.elementwise import Array
from agroforest.indices.formulas import RATIO_LIMIT, Formula

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """One index.

    Attributes
    ----------
    name
        Lower case, an identifier; part of file names.
    bands
        Sentinel-2 bands in the order in which `function` takes them.
    substitutes
        Band to use instead where one is missing, by the missing band.
    function
        Arrays in, array out.
    formula
        What `function` computes, for kernels that compute several indices at
        once.
    valid_range
        Smallest and largest value the function can return.
    title_zh, title_en
        Full names.
    reference
        Paper.
    unit
        UCUM; ``"1"`` for a ratio.
    colormap
        Matplotlib's name.
    display_range
        Values at the ends of the colour map; symmetric about `middle` if there
        is one.
    middle
        Value at which a diverging colour map changes hue; ``None`` for a
        sequential one.
    scene_parameters
        Where `function` needs more than bands: makes its keyword arguments from
        the dataset and the bands used. ``None`` where each pixel speaks for
        itself.
    """

    name: str
    bands: tuple[str, ...]
    substitutes: Mapping[str, str] = field(default_factory=dict)
    function: Callable[..., Array] = field(repr=False)
    formula: Formula = field(repr=False)
    valid_range: tuple[float, float]
    title_zh: str
    title_en: str
    reference: str
    unit: str = "1"
    colormap: str
    display_range: tuple[float, float]
    middle: float | None = None
    scene_parameters: Callable[..., Mapping[str, object]] | None = field(
        default=None, repr=False
    )

    @property
    def local(self) -> bool:
        """Whether a pixel depends on itself alone, so that blocks give the whole."""
        return self.scene_parameters is None

    @property
    def diverging(self) -> bool:
        """Whether the colour map has a middle."""
        return self.middle is not None

    def resolve(self, available: Collection[str]) -> tuple[str, ...]:
        """Bands to use, substitutes where `available` lacks the usual ones.

        Raises
        ------
        DataError
            Naming the missing bands and what there is.
        """
        chosen = tuple(
            b if b in available else self.substitutes.get(b, b) for b in self.bands
        )
        missing = [
            f"{b} (or {self.substitutes[b]})" if b in self.substitutes else b
            for b, used in zip(self.bands, chosen, strict=True)
            if used not in available
        ]
        if missing:
            raise DataError(
                f"index {self.name}",
                f"needs {' and '.join(missing)}, has "
                f"{' '.join(sorted(map(str, available))) or 'no band'}",
                "read the missing bands or leave the index out",
            )
        if len(set(chosen)) < len(chosen):
            raise DataError(
                f"index {self.name}",
                f"would use {' '.join(chosen)}, one band twice",
                "read the missing bands or leave the index out",
            )
        return chosen


def _scene_edges(dataset: "xr.Dataset", used: tuple[str, ...]) -> dict[str, object]:
    edges = optram.scene_edges(
        *(_without_nodata(dataset[b]) for b in used), usable=dataset.get("usable")
    )
    return {"edges": edges}


_NIR_10 = {"B08": "B8A"}
_NIR_20 = {"B8A": "B08"}
_NORMALISED = (-1.0, 1.0)

_ROWS = (
    Index(
        name="ndvi",
        bands=("B08", "B04"),
        substitutes=_NIR_10,
        function=spectral.ndvi,
        formula=Formula.NORMALISED_DIFFERENCE,
        valid_range=_NORMALISED,
        title_zh="归一化植被指数",
        title_en="Normalised difference vegetation index",
        reference="Rouse et al. 1974, NASA SP-351",
        colormap="YlGn",
        display_range=(0.0, 1.0),
    ),
    Index(
        name="evi",
        bands=("B08", "B04", "B02"),
        substitutes=_NIR_10,
        function=spectral.evi,
        formula=Formula.EVI,
        valid_range=(-RATIO_LIMIT, RATIO_LIMIT),
        title_zh="增强型植被指数",
        title_en="Enhanced vegetation index",
        reference="Huete et al. 2002, doi:10.1016/S0034-4257(02)00096-2",
        colormap="YlGn",
        display_range=(0.0, 1.0),
    ),
    Index(
        name="ndmi",
        bands=("B8A", "B11"),
        substitutes=_NIR_20,
        function=spectral.ndmi,
        formula=Formula.NORMALISED_DIFFERENCE,
        valid_range=_NORMALISED,
        title_zh="归一化水分指数",
        title_en="Normalised difference moisture index",
        reference="Gao 1996, doi:10.1016/S0034-4257(96)00067-3",
        colormap="BrBG",
        display_range=(-0.6, 0.6),
        middle=0.0,
    ),
    Index(
        name="ndmi_b08",
        bands=("B08", "B11"),
        function=spectral.ndmi,
        formula=Formula.NORMALISED_DIFFERENCE,
        valid_range=_NORMALISED,
        title_zh="归一化水分指数 · 10 米近红外 B08",
        title_en="Normalised difference moisture index (10 m near infrared, B08)",
        reference="Gao 1996, doi:10.1016/S0034-4257(96)00067-3",
        colormap="BrBG",
        display_range=(-0.6, 0.6),
        middle=0.0,
    ),
    Index(
        name="msi",
        bands=("B11", "B08"),
        substitutes=_NIR_10,
        function=spectral.msi,
        formula=Formula.RATIO,
        valid_range=(0.0, RATIO_LIMIT),
        title_zh="水分胁迫指数",
        title_en="Moisture stress index",
        reference="Hunt & Rock 1989, doi:10.1016/0034-4257(89)90046-1",
        colormap="YlOrBr",
        display_range=(0.2, 1.6),
    ),
    Index(
        name="nmdi",
        bands=("B8A", "B11", "B12"),
        substitutes=_NIR_20,
        function=spectral.nmdi,
        formula=Formula.NMDI,
        valid_range=(-RATIO_LIMIT, RATIO_LIMIT),
        title_zh="归一化多波段干旱指数",
        title_en="Normalised multi-band drought index",
        reference="Wang & Qu 2007, doi:10.1029/2007GL031021",
        colormap="YlGnBu",
        display_range=(0.2, 0.8),
    ),
    Index(
        name="nbr",
        bands=("B8A", "B12"),
        substitutes=_NIR_20,
        function=spectral.nbr,
        formula=Formula.NORMALISED_DIFFERENCE,
        valid_range=_NORMALISED,
        title_zh="归一化燃烧指数",
        title_en="Normalised burn ratio",
        reference="Key & Benson 2006, USDA RMRS-GTR-164-CD",
        colormap="RdBu",
        display_range=(-0.8, 0.8),
        middle=0.0,
    ),
    Index(
        name="ndre",
        bands=("B8A", "B05"),
        substitutes=_NIR_20,
        function=spectral.ndre,
        formula=Formula.NORMALISED_DIFFERENCE,
        valid_range=_NORMALISED,
        title_zh="归一化红边指数",
        title_en="Normalised difference red-edge index",
        reference="Gitelson & Merzlyak 1994, doi:10.1016/S0176-1617(11)81633-0",
        colormap="YlGn",
        display_range=(0.0, 0.8),
    ),
    Index(
        name="crswir",
        bands=("B8A", "B11", "B12"),
        function=spectral.crswir,
        formula=Formula.CRSWIR,
        valid_range=(0.0, RATIO_LIMIT),
        title_zh="短波红外连续统去除指数",
        title_en="Continuum removal of the shortwave infrared",
        reference="Dutrieux et al. 2021, package fordead (INRAE)",
        colormap="YlOrBr",
        display_range=(0.3, 1.1),
    ),
    Index(
        name="optram",
        bands=("B08", "B04", "B12"),
        substitutes=_NIR_10,
        function=optram.optram,
        formula=Formula.OPTRAM,
        valid_range=(0.0, 1.0),
        title_zh="土壤湿度 · OPTRAM 光学梯形模型",
        title_en="Soil wetness (optical trapezoid model, OPTRAM)",
        reference="Sadeghi et al. 2017, doi:10.1016/j.rse.2017.05.041",
        colormap="YlGnBu",
        display_range=(0.0, 1.0),
        scene_parameters=_scene_edges,
    ),
)

#: Every index by name.
INDICES: Mapping[str, Index] = MappingProxyType({row.name: row for row in _ROWS})

# What describes a band and would be wrong on an index made from it.
_BAND_ATTRIBUTES = frozenset(
    {
        "long_name",
        "standard_name",
        "description",
        "units",
        "scale_factor",
        "add_offset",
        "valid_min",
        "valid_max",
        "valid_range",
        "_FillValue",
        "missing_value",
        "fill_value",
        "nodata",
    }
)


def find_index(name: str) -> Index:
    """Find an index by name.

    Raises
    ------
    ConfigurationError
        If there is none; the message lists those there are.
    """
    if name not in INDICES:
        raise ConfigurationError(
            "index", f"{name!r}", f"use one of {', '.join(INDICES)}"
        )
    return INDICES[name]


def compute(name: str, dataset: "xr.Dataset", **parameters: object) -> "xr.DataArray":
    """One index of a dataset of reflectances.

    Parameters
    ----------
    name
        Of the index.
    dataset
        Variables named by Sentinel-2 band, reflectance as fractions, any
        dimensions (``(y, x)``, ``(time, y, x)``). NaN is nodata, and so is the
        number that a variable's ``_FillValue`` or ``nodata`` attribute declares.
        Lazy variables stay lazy.
    **parameters
        What the index needs besides bands: ``edges`` of ``optram``, which are
        estimated from this dataset (its ``usable`` pixels) unless given.

    Returns
    -------
    DataArray
        Named `name`, NaN is nodata, with the dataset's coordinates and CRS, the
        attributes of the dataset and those all bands agree on, and ``long_name``,
        ``valid_range``, ``reference``, ``bands``.

    Raises
    ------
    ConfigurationError
        Unknown index, or a parameter that it does not take.
    DataError
        A band is missing.
    """
    index = find_index(name)
    used = index.resolve([str(v) for v in dataset.data_vars])
    bands = [dataset[b] for b in used]
    if index.scene_parameters is None:
        if parameters:
            raise ConfigurationError(
                f"index {name}", f"parameters {sorted(parameters)}", "pass none"
            )
    elif not parameters:
        parameters = dict(index.scene_parameters(dataset, used))
    result: xr.DataArray = index.function(*map(_without_nodata, bands), **parameters)
    result = result.rename(name)
    result.attrs = {**dataset.attrs, **_shared_attributes(bands), **_about(index, used)}
    for key in ("grid_mapping", "grid_mapping_name"):
        if key in bands[0].encoding:
            result.encoding[key] = bands[0].encoding[key]
    return result


def _without_nodata(band: "xr.DataArray") -> "xr.DataArray":
    declared = {
        float(band.attrs[key])
        for key in ("_FillValue", "missing_value", "fill_value", "nodata")
        if isinstance(band.attrs.get(key), int | float | np.number)
    }
    for number in sorted(n for n in declared if not np.isnan(n)):
        band = band.where(band != number)
    return band


def _shared_attributes(bands: "list[xr.DataArray]") -> dict[str, Any]:
    first, *others = (b.attrs for b in bands)
    return {
        key: value
        for key, value in first.items()
        if key not in _BAND_ATTRIBUTES
        and all(key in o and np.array_equal(o[key], value) for o in others)
    }


def _about(index: Index, used: tuple[str, ...]) -> dict[str, Any]:
    about: dict[str, Any] = {
        "long_name": index.title_en,
        "long_name_zh": index.title_zh,
        "units": index.unit,
        "valid_range": list(index.valid_range),
        "reference": index.reference,
        "bands": " ".join(used),
        "_FillValue": np.float32(np.nan),
    }
    replaced = [
        f"{instead} in place of {usual}"
        for usual, instead in zip(index.bands, used, strict=True)
        if usual != instead
    ]
    if replaced:
        about["comment"] = ", ".join(replaced)
    return about

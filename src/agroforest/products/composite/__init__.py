"""Composites: of a season's scenes, the median of what was seen clearly."""

from agroforest.products.composite.build import Composite, build_composite
from agroforest.products.composite.inputs import LANDSAT_BANDS, SeasonScenes
from agroforest.products.composite.stand_in import FILLED, NEEDED
from agroforest.products.composite.years import YearOfTile, build_years

__all__ = [
    "FILLED",
    "LANDSAT_BANDS",
    "NEEDED",
    "Composite",
    "SeasonScenes",
    "YearOfTile",
    "build_composite",
    "build_years",
]

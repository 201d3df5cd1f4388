"""Images at the top of the atmosphere: Sentinel-2 L1C, Landsat L1, and bands alone."""

from agroforest.catalog.level1.find import find_level1
from agroforest.catalog.level1.record import (
    BANDS,
    BandFile,
    Flaw,
    FlawLayer,
    Imager,
    Level1Scene,
    QualityFile,
)

__all__ = [
    "BANDS",
    "BandFile",
    "Flaw",
    "FlawLayer",
    "Imager",
    "Level1Scene",
    "QualityFile",
    "find_level1",
]

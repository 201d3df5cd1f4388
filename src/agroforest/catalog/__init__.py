"""Where scenes come from: product folders, STAC catalogues and STAC APIs."""

from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.opening import open_catalog
from agroforest.catalog.protocol import Catalog, find
from agroforest.catalog.recognise import AddReport, add_scenes, recognise

__all__ = [
    "AddReport",
    "Catalog",
    "LocalCatalog",
    "add_scenes",
    "find",
    "open_catalog",
    "recognise",
]

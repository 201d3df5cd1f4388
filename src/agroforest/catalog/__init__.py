"""Where scenes come from: product folders, STAC catalogues and STAC APIs."""

from agroforest.catalog.local import LocalCatalog
from agroforest.catalog.opening import copy_scenes, open_catalog
from agroforest.catalog.protocol import Catalog, find
from agroforest.catalog.recognise import AddReport, add_scenes, recognise
from agroforest.catalog.refusals import Refusals

__all__ = [
    "AddReport",
    "Catalog",
    "LocalCatalog",
    "Refusals",
    "add_scenes",
    "copy_scenes",
    "find",
    "open_catalog",
    "recognise",
]

"""What scenes become: index maps, and statistics of them by parcel."""

from agroforest.products.index_maps import IndexMap, SceneMaps, map_scene

__all__ = ["IndexMap", "SceneMaps", "map_scene"]

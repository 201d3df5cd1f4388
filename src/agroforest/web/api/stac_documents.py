"""Catalogue, collections and items as STAC API 1.0.0 gives them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from agroforest.web.api.stac_rasters import Collection, Raster, list_files, read_item

Json = dict[str, Any]

PREFIX = "/stac"
#: What of the standards holds here.
CONFORMS = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
GEOJSON = "application/geo+json"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_VERSION = "1.1.0"
_JSON = "application/json"
_TITLES = {
    "indices": ("植被指数 index maps", "Spectral indices of each day's scenes."),
    "risk": ("风险图 risk maps", "Probability, evidence and since when, each night."),
}


def build_catalogue(root: str, title: str, collections: Sequence[Collection]) -> Json:
    """Build the landing page.

    Parameters
    ----------
    root
        Address of the desk, without a slash at its end.
    title
        Of the desk.
    collections
        Those that whoever asks may see.
    """
    search = f"{root}{PREFIX}/search"
    return {
        "type": "Catalog",
        "stac_version": _VERSION,
        "id": "agroforest",
        "title": title,
        "description": "Rasters that nights left.",
        "conformsTo": list(CONFORMS),
        "links": [
            *_list_links(root, ""),
            link("conformance", f"{root}{PREFIX}/conformance"),
            link("data", f"{root}{PREFIX}/collections"),
            link("search", search, GEOJSON) | {"method": "GET"},
            link("search", search, GEOJSON) | {"method": "POST"},
            link(
                "service-desc",
                f"{root}/api/v1/openapi.json",
                "application/openapi+json",
            ),
            link("service-doc", f"{root}/api/v1/docs", "text/html"),
            *(link("child", f"{root}{_path(each.id)}") for each in collections),
        ],
    }


def build_collection(root: str, collection: Collection) -> Json:
    """Build the document of a collection."""
    name, about = _TITLES[collection.kind]
    rasters = list(collection.rasters.values())
    west, south, east, north = zip(*(r.box for r in rasters), strict=True)
    path = _path(collection.id)
    return {
        "type": "Collection",
        "stac_version": _VERSION,
        "id": collection.id,
        "title": f"{collection.pipeline} · {name}",
        "description": about,
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[min(west), min(south), max(east), max(north)]]},
            "temporal": {
                "interval": [[_spell(rasters[-1].moment), _spell(rasters[0].moment)]]
            },
        },
        "links": [
            *_list_links(root, path.removeprefix(PREFIX)),
            link("items", f"{root}{path}/items", GEOJSON),
        ],
    }


def build_item(root: str, raster: Raster) -> Json:
    """Build the document of an item, its files with the addresses they have here.

    Raises
    ------
    DataError
        It is gone or damaged.
    """
    item = read_item(raster)
    files = list_files(raster, item)
    name = quote(raster.id, safe="")
    path = f"{_path(raster.collection)}/items/{name}"
    folder = f"{root}{PREFIX}/assets/{quote(raster.collection, safe='')}/{name}"
    return item | {
        "collection": raster.collection,
        "assets": {
            key: item["assets"][key] | {"href": f"{folder}/{quote(file.name)}"}
            for key, file in files.items()
        },
        "links": [
            link("self", f"{root}{path}", GEOJSON),
            link("root", f"{root}{PREFIX}"),
            link("parent", f"{root}{_path(raster.collection)}"),
            link("collection", f"{root}{_path(raster.collection)}"),
        ],
    }


def build_page(root: str, rasters: Sequence[Raster], links: Sequence[Json]) -> Json:
    """Build a page of items."""
    return {
        "type": "FeatureCollection",
        "features": [build_item(root, raster) for raster in rasters],
        "numberReturned": len(rasters),
        "links": [link("root", f"{root}{PREFIX}"), *links],
    }


def _list_links(root: str, path: str) -> list[Json]:
    own = [link("self", f"{root}{PREFIX}{path}"), link("root", f"{root}{PREFIX}")]
    return [*own, link("parent", f"{root}{PREFIX}")] if path else own


def link(rel: str, href: str, media: str = _JSON) -> Json:
    """Build a link."""
    return {"rel": rel, "href": href, "type": media}


def _path(collection: str) -> str:
    return f"{PREFIX}/collections/{quote(collection, safe='')}"


def _spell(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

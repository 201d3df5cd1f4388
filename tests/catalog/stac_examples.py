"""Items as Earth Search v1, Planetary Computer and Copernicus serve them.

Written after the real answers of these services, cut to what is read.
"""

from typing import Any

_SQUARE = {
    "type": "Polygon",
    "coordinates": [[[108, 23], [109, 23], [109, 24], [108, 24], [108, 23]]],
}
_PRODUCT = "S2B_MSIL2A_20240301T030541_N0510_R075_T49QBF_20240301T061512"


def earth_search(**properties: Any) -> dict[str, Any]:
    """Item of Earth Search v1, collection sentinel-2-l2a."""
    base = "https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/49"
    pixels = {"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": -0.1}
    assets: dict[str, Any] = {
        key: {
            "href": f"{base}/{name}.tif",
            "eo:bands": [{"name": key, "common_name": common}],
            "raster:bands": [{**pixels, "spatial_resolution": metres}],
            "roles": ["data", "reflectance"],
        }
        for key, name, common, metres in (
            ("blue", "B02", "blue", 10),
            ("red", "B04", "red", 10),
            ("rededge1", "B05", "rededge", 20),
            ("rededge2", "B06", "rededge", 20),
            ("nir", "B08", "nir", 10),
            ("nir08", "B8A", "nir08", 20),
            ("swir16", "B11", "swir16", 20),
        )
    }
    assets["red-jp2"] = {
        "href": "s3://sentinel-s2-l2a/tiles/49/Q/BF/2024/3/1/0/R10m/B04.jp2",
        "eo:bands": [{"name": "red", "common_name": "red"}],
        "raster:bands": [{**pixels, "spatial_resolution": 10}],
    }
    assets["visual"] = {
        "href": f"{base}/TCI.tif",
        "eo:bands": [{"name": "red"}, {"name": "green"}, {"name": "blue"}],
        "roles": ["visual"],
    }
    assets["scl"] = {
        "href": f"{base}/SCL.tif",
        "raster:bands": [{"nodata": 0, "spatial_resolution": 20}],
        "roles": ["data"],
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2B_49QBF_20240301_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": _SQUARE,
        "bbox": [108, 23, 109, 24],
        "properties": {
            "datetime": "2024-03-01T03:16:02.147000Z",
            "platform": "sentinel-2b",
            "eo:cloud_cover": 12.5,
            "proj:epsg": 32649,
            "grid:code": "MGRS-49QBF",
            "s2:processing_baseline": "05.10",
            "s2:product_uri": f"{_PRODUCT}.SAFE",
            "s2:generation_time": "2024-03-01T06:15:12.000000Z",
            "earthsearch:boa_offset_applied": True,
            **properties,
        },
        "assets": assets,
        "links": [],
        "stac_extensions": [],
    }


def planetary_computer(baseline: str | None = "05.10") -> dict[str, Any]:
    """Item of Planetary Computer: nothing is said of scale or offset."""
    folder = f"https://sentinel2l2a01.blob.core.windows.net/s2/{_PRODUCT}.SAFE/GRANULE"
    stated = {} if baseline is None else {"s2:processing_baseline": baseline}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "S2B_MSIL2A_20240301T030541_R075_T49QBF_20240301T061512",
        "collection": "sentinel-2-l2a",
        "geometry": _SQUARE,
        "bbox": [108, 23, 109, 24],
        "properties": {
            "datetime": "2024-03-01T03:05:41.024000Z",
            "platform": "Sentinel-2B",
            "proj:code": "EPSG:32649",
            "s2:mgrs_tile": "49QBF",
            "s2:generation_time": "2024-03-01T06:15:12.000000Z",
            **stated,
        },
        "assets": {
            name: {"href": f"{folder}/R{metres}m/{name}_{metres}m.tif", "gsd": metres}
            for name, metres in (("B04", 10), ("B8A", 20), ("SCL", 20))
        },
        "links": [],
        "stac_extensions": [],
    }


def copernicus() -> dict[str, Any]:
    """Item of the Copernicus Data Space: STAC 1.1, one asset a resolution."""
    item = planetary_computer(None)
    folder = f"s3://eodata/{_PRODUCT}.SAFE/GRANULE"
    item["id"] = _PRODUCT
    item["properties"]["processing:version"] = "05.10"
    item["assets"] = {
        f"{name}_{metres}m": {
            "href": f"{folder}/{name}_{metres}m.jp2",
            "nodata": 0,
            "raster:scale": 0.0001,
            "raster:offset": -0.1,
            "bands": [{"name": name, "eo:common_name": common}],
            "proj:code": "EPSG:32649",
        }
        for name, common, metres in (
            ("B04", "red", 20),
            ("B04", "red", 10),
            ("B8A", "nir08", 20),
        )
    }
    for metres in (20, 60):
        item["assets"][f"SCL_{metres}m"] = {"href": f"{folder}/SCL_{metres}m.jp2"}
    return item

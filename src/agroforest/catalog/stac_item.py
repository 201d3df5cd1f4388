"""STAC items of others: Earth Search, Planetary Computer, USGS, and plain ones.

Read as JSON and not through pystac, which refuses or migrates the old versions
that are still served.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agroforest.catalog.bandnames import find_band, find_mask
from agroforest.catalog.header import Header, read_header
from agroforest.catalog.href import Reach, is_local, resolve_href
from agroforest.catalog.items import OWN, read_granule
from agroforest.catalog.outline import norm_outline
from agroforest.catalog.product import norm_instant, norm_percent
from agroforest.catalog.safe_xml import norm_epsg
from agroforest.catalog.scaling import Family, Scaling, Stated, resolve_scaling
from agroforest.core.errors import DataError
from agroforest.core.scene import Asset, Granule, MaskKind

SENTINEL2 = "sentinel-2-l2a"
LANDSAT = "landsat-c2-l2"
#: Collections of known catalogues by ours.
COLLECTIONS = {
    "sentinel-2-l2a": SENTINEL2,
    "sentinel-2-c1-l2a": SENTINEL2,
    "sentinel-s2-l2a": SENTINEL2,
    "sentinel-s2-l2a-cogs": SENTINEL2,
    "landsat-c2-l2": LANDSAT,
    "landsat-c2l2-sr": LANDSAT,
}
_PRODUCT = re.compile(
    r"S2[A-D]_MSIL2A_(?P<sensed>\d{8}T\d{6})_N(?P<baseline>\d{4})_R\d{3}"
    r"_T(?P<tile>\d{2}[A-Z]{3})_(?P<made>\d{8}T\d{6})"
)
_PRODUCT_FIELDS = ("s2:product_uri", "sentinel:product_id", "title")
_BASELINE_FIELDS = (
    "s2:processing_baseline",
    "sentinel:processing_baseline",
    "sentinel2:processing_baseline",
    "processing:version",
    "agroforest:baseline",
)
_FLAGS = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
_DEFAULT_METRES = {
    **dict.fromkeys(("B02", "B03", "B04", "B08"), 10.0),
    **dict.fromkeys(("B01", "B09"), 60.0),
}
_EMPTY: Mapping[str, Any] = {}
_ANYWHERE = Reach()


def read_item(
    item: Mapping[str, Any],
    *,
    base: str,
    where: str | None = None,
    reach: Reach = _ANYWHERE,
) -> Granule:
    """Granule of a STAC item of any version and producer.

    Parameters
    ----------
    item
        The item as JSON gave it.
    base
        Path or URL at which relative addresses start.
    where
        Named in errors; `base` unless given.
    reach
        How far its addresses may lead; anywhere for items of this machine.

    Raises
    ------
    DataError
        If the item lacks or contradicts what a granule needs, an address leads
        too far, or a local file that it names is missing or damaged.
    """
    where = where or base
    if OWN in _mapping(item, "properties"):
        granule = read_granule(item, where=where)
        for asset in (*granule.bands.values(), granule.mask):
            reach.check(asset.href, where=where)
        return granule
    try:
        return _Reader(item, base, where, reach).granule()
    except (LookupError, AttributeError, TypeError, ValueError, OverflowError) as error:
        problem = f"not a STAC item as specified ({type(error).__name__}: {error})"
        raise DataError(where, problem, "validate it with `rustac validate`") from error


class _Reader:
    """One item being read; holds what every step needs."""

    def __init__(
        self, item: Mapping[str, Any], base: str, where: str, reach: Reach
    ) -> None:
        self.item = item
        self.base = base
        self.where = where
        self.reach = reach
        self.properties = _mapping(item, "properties")
        self.platform = self._platform()
        self.product = self._product()
        collection = str(item.get("collection") or "")
        if "l1c" in collection.lower() or "MSIL1C" in str(item.get("id")):
            raise DataError(where, "level 1C", "give level 2A")
        self.collection = COLLECTIONS.get(collection, collection) or (
            LANDSAT if self.platform.startswith("landsat") else SENTINEL2
        )

    def granule(self) -> Granule:
        mask_key, mask_kind = self._mask()
        keys = self._bands()
        mask_href = self._href(self._asset(mask_key))
        headers = {
            key: read_header(Path(href))
            for key in (*keys.values(), mask_key)
            if is_local(href := self._href(self._asset(key)))
        }
        return Granule(
            id=str(self.item["id"]),
            collection=self.collection,
            platform=self.platform,
            place=self._place(),
            sensed=self._sensed(),
            baseline=self._baseline() or "",
            generated=self._generated(),
            cloud_cover=norm_percent(
                self.properties.get("eo:cloud_cover"), where=self.where
            ),
            crs=self._crs(headers),
            footprint=self._footprint(),
            bands={
                band: self._band(band, key, headers.get(key))
                for band, key in sorted(keys.items())
            },
            mask=Asset(
                href=mask_href,
                resolution=self._metres(mask_key, "", headers.get(mask_key)),
                sha256=_sha256(self._asset(mask_key)),
            ),
            mask_kind=mask_kind,
        )

    # ------------------------------------------------------------ identity

    def _platform(self) -> str:
        text = self.properties.get("platform") or self.properties.get("eo:platform")
        if not text:
            match = re.match(r"S(2[A-D])_|L[COTEM](\d{2})_", str(self.item.get("id")))
            if match is None:
                raise DataError(self.where, "states no platform", "state `platform`")
            text = f"sentinel-{match[1]}" if match[1] else f"landsat-{int(match[2])}"
        return str(text).strip().lower().replace("_", "-").replace(" ", "-")

    def _product(self) -> re.Match[str] | None:
        """Name of the Sentinel-2 product the item was made from."""
        texts = [str(self.properties.get(field, "")) for field in _PRODUCT_FIELDS]
        for text in (*texts, str(self.item.get("id", ""))):
            match = _PRODUCT.search(text)
            if match:
                return match
        return None

    def _baseline(self) -> str | None:
        for field in _BASELINE_FIELDS:
            stated = self.properties.get(field)
            if stated is not None and re.fullmatch(r"\d+(\.\d+)*", str(stated)):
                return str(stated)
        if self.product:
            return f"{self.product['baseline'][:2]}.{self.product['baseline'][2:]}"
        granule = str(self.properties.get("s2:granule_id", ""))
        match = re.search(r"_N(\d{2}\.\d{2})$", granule)
        if match:
            return match[1]
        number = self.properties.get("landsat:collection_number")
        return None if number is None else str(number)

    def _place(self) -> str:
        p = self.properties
        if "landsat:wrs_path" in p and "landsat:wrs_row" in p:
            return f"{p['landsat:wrs_path']!s:0>3}{p['landsat:wrs_row']!s:0>3}"
        if "sentinel:utm_zone" in p:
            parts = ("sentinel:latitude_band", "sentinel:grid_square")
            return f"{int(p['sentinel:utm_zone']):02d}" + "".join(p[f] for f in parts)
        tile = p.get("s2:mgrs_tile") or p.get("s2:tile_id") or p.get("grid:code")
        if tile is not None:
            return str(tile).removeprefix("MGRS-").removeprefix("WRS2-")
        if self.product:
            return self.product["tile"]
        match = re.search(r"_T?(\d{1,2}[C-X][A-Z]{2})_", str(self.item["id"]))
        return f"{match[1]:0>5}" if match else ""

    def _sensed(self) -> datetime:
        # All deliveries of a datatake share the start in the product's name;
        # `datetime` is the datatake's in one catalogue and the tile's in another.
        if self.product and self.collection == SENTINEL2:
            return norm_instant(self.product["sensed"], where=self.where)
        text = self.properties.get("datetime") or self.properties.get("start_datetime")
        if not text:
            raise DataError(self.where, "states no datetime", "state `datetime`")
        return norm_instant(str(text), where=self.where)

    def _generated(self) -> datetime | None:
        text = self.properties.get("s2:generation_time")
        if text is None and self.product:
            text = self.product["made"]
        match = re.search(r"_\d{8}_(\d{8})_02_", str(self.item["id"]))
        if text is None and match:
            text = match[1]
        return None if text is None else norm_instant(str(text), where=self.where)

    # ------------------------------------------------------------ geography

    def _crs(self, headers: Mapping[str, Header]) -> str:
        codes = {header.crs for header in headers.values()}
        for holder in (self.properties, *_mapping(self.item, "assets").values()):
            code = holder.get("proj:code") or holder.get("proj:epsg")
            if code and (self.properties is holder or not codes):
                codes.add(norm_epsg(str(code)) or str(code))
        if len(codes) > 1:
            raise DataError(
                self.where, f"CRS is {' and '.join(sorted(codes))}", "correct proj:code"
            )
        if not codes:
            raise DataError(
                self.where,
                "states no coordinate reference system",
                "state proj:code, or give the product's own metadata file",
            )
        return codes.pop()

    def _footprint(self) -> BaseGeometry:
        try:
            geometry = shape(self.item["geometry"])
        except (ShapelyError, AttributeError) as error:
            raise DataError(
                self.where, f"geometry is unreadable ({error})", "state a polygon"
            ) from error
        return norm_outline(shapely.force_2d(geometry), where=self.where)

    # ------------------------------------------------------------ assets

    def _asset(self, key: str) -> Mapping[str, Any]:
        return _mapping(_mapping(self.item, "assets"), key)

    def _href(self, asset: Mapping[str, Any]) -> str:
        href = resolve_href(str(asset["href"]), self.base)
        self.reach.check(href, where=self.where)
        return href

    def _mask(self) -> tuple[str, MaskKind]:
        found = []
        for key in _mapping(self.item, "assets"):
            kind = find_mask(key)
            if kind is not None:
                found.append((self._metres(key, "", None), key, kind))
        if not found:
            raise DataError(
                self.where,
                "has no asset scl, qa_pixel or clm",
                "add the mask; without one clouds would count as ground",
            )
        _, key, kind = min(found)
        return key, kind

    def _bands(self) -> dict[str, str]:
        """Asset key of each band, the finest where there are several."""
        best: dict[str, tuple[float, str]] = {}
        for key in _mapping(self.item, "assets"):
            asset = self._asset(key)
            band = find_band(key, asset, self._described(asset), self.platform)
            if band is not None and "href" in asset:
                rank = (self._metres(key, band, None), key)
                best[band] = min(best.get(band, rank), rank)
        if not best:
            raise DataError(
                self.where,
                f"no known band among {', '.join(list(self.item['assets'])[:12])}",
                "name the assets B02 … B12 or by STAC common names",
            )
        return {band: key for band, (_, key) in best.items()}

    def _described(self, asset: Mapping[str, Any]) -> list[object]:
        bands = asset.get("bands") or asset.get("eo:bands") or []
        # Landsat's STAC 0.7 lists indices into the properties' eo:bands.
        shared = self.properties.get("eo:bands") or []
        return [shared[b] if isinstance(b, int) else b for b in bands]

    def _metres(self, key: str, band: str, header: Header | None) -> float:
        if header is not None:
            return header.resolution
        asset = self._asset(key)
        transform = asset.get("proj:transform") or [None]
        named = re.search(r"_(10|20|60)m$", key)
        candidates = (
            self._raster(asset, "spatial_resolution"),
            transform[0],
            asset.get("gsd"),
            named[1] if named else None,
            30.0 if self.platform.startswith("landsat") else None,
        )
        for value in candidates:
            if value is not None:
                return float(value)
        return _DEFAULT_METRES.get(band, 20.0)

    def _raster(self, asset: Mapping[str, Any], field: str) -> Any:  # noqa: ANN401  JSON
        """Field of raster:bands (STAC 1.0), bands or the asset itself (1.1)."""
        for name in ("raster:bands", "bands"):
            for band in (asset.get(name) or [])[:1]:
                for spelling in (field, f"raster:{field}"):
                    if band.get(spelling) is not None:
                        return band[spelling]
        for spelling in (f"raster:{field}", field):
            if asset.get(spelling) is not None:
                return asset[spelling]
        return None

    def _band(self, band: str, key: str, header: Header | None) -> Asset:
        asset = self._asset(key)
        scaling = self._scaling(asset, f"{self.where}, asset {key}")
        return Asset(
            href=self._href(asset),
            scale=scaling.scale,
            offset=scaling.offset,
            nodata=scaling.nodata,
            resolution=self._metres(key, band, header),
            sha256=_sha256(asset),
        )

    def _scaling(self, asset: Mapping[str, Any], where: str) -> Scaling:
        scale, offset = self._raster(asset, "scale"), self._raster(asset, "offset")
        flags = [self.properties[f] for f in _FLAGS if f in self.properties]
        nodata = self._raster(asset, "nodata")
        return resolve_scaling(
            Stated(
                family=self._family(),
                baseline=self._baseline(),
                scale=None if scale is None else float(scale),
                offset=None if offset is None else float(offset),
                offset_applied=norm_flag(flags[0], where) if flags else None,
                original=is_original(self._href(asset)),
                nodata=() if nodata in (None, "nan") else (int(nodata),),
            ),
            where=where,
        )

    def _family(self) -> Family:
        if self.collection == SENTINEL2 or self.product:
            return Family.SENTINEL2
        return Family.LANDSAT if self.collection == LANDSAT else Family.OTHER


def norm_flag(value: object, where: str) -> bool:
    """Truth of a JSON flag that some catalogues write as text."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    raise DataError(where, f"boa_offset_applied is {value!r}", "state true or false")


def is_original(href: str) -> bool:
    """Whether a file still lies in ESA's folder structure, numbers unchanged.

    Planetary Computer and the Copernicus Data Space keep it; Earth Search's COGs,
    from some of which the offset was taken out, do not.
    """
    return ".SAFE/GRANULE/" in href


def _sha256(asset: Mapping[str, Any]) -> str | None:
    text = str(asset.get("file:checksum", "")).lower()
    return text[4:] if re.fullmatch(r"1220[0-9a-f]{64}", text) else None


def _mapping(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else _EMPTY

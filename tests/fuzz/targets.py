"""What is fuzzed: each function reads bytes as if they had come from outside.

A target returns for what it can read. It lets through only `AgroforestError` and what
the docstring of the reader names; `run.py` counts anything else as a finding.
"""

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

import numpy as np
import pyproj
import shapely
from tests.fuzz.targets_of_messages import (
    read_arrival,
    read_entities,
    read_message,
    read_mqtt_topic,
    read_payload,
    read_segment,
    read_valve_report,
    write_warning,
)
from tests.fuzz.targets_of_questions import (
    ask_filter,
    ask_options,
    ask_queue,
    ask_rasters,
)

from agroforest.catalog.href import Reach
from agroforest.catalog.landsat import read_landsat_metadata
from agroforest.catalog.level1 import find_level1
from agroforest.catalog.rasterhead import read_raster_head
from agroforest.catalog.safe import read_safe_metadata
from agroforest.catalog.stac_files import find_items, is_stac, read_items
from agroforest.catalog.stac_item import read_item
from agroforest.catalog.theia import read_theia_metadata
from agroforest.catalog.tiffhead import UnreadableHeaderError
from agroforest.core.aoi import PlaceKind, read_aoi
from agroforest.core.config import read_pipeline
from agroforest.core.parcel import read_facts
from agroforest.cube.sealed import BrokenSealError, Sealed
from agroforest.cube.spans import SpanSet, merge, window_spans
from agroforest.cube.tiff import read_fields
from agroforest.desk.settings import read_desk
from agroforest.farm.crops import read_crops
from agroforest.hotspots import firms
from agroforest.hotspots.districts import read_districts
from agroforest.listen.settings import read_listen_settings
from agroforest.products.zonal.outlines import read_outlines
from agroforest.publish.text import clean
from agroforest.risk.card import _read_tensors, read_card
from agroforest.sensors import read_file
from agroforest.sensors.mapping import read_mapping
from agroforest.store import chunks
from agroforest.valves.settings import read_valve_settings
from agroforest.weather.table import read_rows

THEIA = "SENTINEL2A_20240301-030541-024_L2A_T49QBF_D_V3-1"
_WGS84 = pyproj.CRS("EPSG:4326")
_LAYOUT = chunks.Layout(shape=(3, 40, 30), sides=(32, 30), dtype=np.dtype("int16"))
_HELD = ExitStack()
_WHERE = "https://stac.example.org/items/x"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Something that reads what others wrote.

    Attributes
    ----------
    read
        Reads the bytes.
    documented
        What it may raise beside `AgroforestError`.
    text
        Whether its input is text, whose words are swapped and replaced.
    """

    read: Callable[[bytes], object]
    documented: tuple[type[Exception], ...] = ()
    text: bool = True


class Held:
    """Bytes in memory, read as `agroforest.catalog.tiffhead.Bytes`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length] if offset >= 0 else b""

    def expect(self, spans: object) -> None:
        del spans


@cache
def _folder() -> Path:
    """Folder of this process; removed with it, or by who forked it off."""
    return Path(_HELD.enter_context(tempfile.TemporaryDirectory()))


def _put(name: str, content: bytes) -> Path:
    path = _folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def read_raster_header(data: bytes) -> None:
    head = read_raster_head(Held(data), where="x.tif")
    if head.tiff is None or head.table is None:
        return
    assert head.table.end >= 0
    rows, columns = slice(0, min(head.height, 64)), slice(0, min(head.width, 64))
    spans = window_spans(head.tiff, head.table, rows, columns)
    here = SpanSet()
    for span in merge(spans, 1 << 16):
        here.add(span)
    assert not [missing for span in spans for missing in here.missing(span)]


def read_sealed(data: bytes) -> None:
    path = _put("sealed.tif", data)
    with path.open("rb") as stream:
        Sealed(stream).check([(0, len(data))])


def read_mtl(data: bytes) -> None:
    ending = {b"{": "json", b"<": "xml"}.get(data[:1], "txt")
    path = _put(f"mtl-{ending}/LC08_L2SP_1_MTL.{ending}", data)
    read_landsat_metadata(path)


def read_mtl_level1(data: bytes) -> None:
    ending = {b"{": "json", b"<": "xml"}.get(data[:1], "txt")
    find_level1(_put(f"l1tp-{ending}/LC08_L1TP_1_MTL.{ending}", data))


def read_safe_xml(data: bytes) -> None:
    product, _, tile = data.partition(b"\n\n\n")
    folder = _put("P.SAFE/MTD_MSIL2A.xml", product).parent
    _put("P.SAFE/GRANULE/L2A_T49QBF_A045000_20240301T030541/MTD_TL.xml", tile)
    read_safe_metadata(folder)


def read_l1c_xml(data: bytes) -> None:
    product, _, tile = data.partition(b"\n\n\n")
    path = _put("L1C.SAFE/MTD_MSIL1C.xml", product)
    _put("L1C.SAFE/GRANULE/L1C_T49QBF_A045000_20240301T030541/MTD_TL.xml", tile)
    find_level1(path)


def read_theia_xml(data: bytes) -> None:
    read_theia_metadata(_put(f"{THEIA}/{THEIA}_MTD_ALL.xml", data).parent)


def read_declared(data: bytes) -> None:
    ending = "json" if data[:1] == b"{" else "toml"
    find_level1(_put(f"declared/b.{ending}", data))


def read_stac_item(data: bytes) -> None:
    try:
        item = json.loads(data)
    except (ValueError, RecursionError):
        return  # of the file or the answer that it came in
    if isinstance(item, dict):
        read_item(item, base=_WHERE, reach=Reach(local=False))


def read_stac_files(data: bytes) -> None:
    path = _put("stac/item.json", data)
    if is_stac(path):
        for item in find_items(path):
            read_items(item)


def read_area(data: bytes) -> None:
    aoi = read_aoi(_put("area.geojson", data))
    assert aoi.area.is_valid
    for place in aoi.places:
        clean(place.name_zh)
        if place.kind is PlaceKind.PARCEL:
            read_facts(place)


def read_parcels(data: bytes) -> None:
    outlines = read_outlines(np.array([data, None], dtype=object), _WGS84)
    assert all(p is None or p.is_valid for p in outlines.polygons)
    assert outlines.area.min() >= 0
    shapely.to_wkb(outlines.drawn)


def read_counties(data: bytes) -> None:
    read_districts(_put("counties.geojson", data))


def read_chunk(data: bytes) -> None:
    found = chunks.decode(data, _LAYOUT, (32, 30))
    assert found.shape == (3, 32, 30)


def read_tensors(data: bytes) -> None:
    for tensor in _read_tensors(_put("weights.safetensors", data)).values():
        assert not tensor.dtype.hasobject


def read_model_card(data: bytes) -> None:
    read_card(_put("model/card.toml", data).parent)


_SETTINGS: tuple[Callable[[Path], object], ...] = (
    *(read_pipeline, read_listen_settings, read_desk),
    *(read_valve_settings, read_mapping, read_crops),
)


def read_settings(data: bytes) -> None:
    which = data[0] % len(_SETTINGS) if data else 0
    _SETTINGS[which](_put("settings.toml", data[1:]))


def read_readings(data: bytes) -> None:
    read_file(_put("readings.csv", data))


def read_firms_table(data: bytes) -> None:
    firms.read_table(data.decode("utf-8", "replace"), PurePath("x.csv"))


def read_station(data: bytes) -> None:
    read_rows(_put("station.csv", data), None)


TARGETS: dict[str, Target] = {
    "raster-header": Target(
        read=read_raster_header, documented=(UnreadableHeaderError,), text=False
    ),
    "tiff-fields": Target(read=read_fields, documented=(ValueError,), text=False),
    "sealed": Target(read=read_sealed, documented=(BrokenSealError,), text=False),
    "mtl": Target(read=read_mtl),
    "mtl-level1": Target(read=read_mtl_level1),
    "safe-xml": Target(read=read_safe_xml),
    "l1c-xml": Target(read=read_l1c_xml),
    "theia-xml": Target(read=read_theia_xml),
    "declared": Target(read=read_declared),
    "stac-item": Target(read=read_stac_item),
    "stac-files": Target(read=read_stac_files),
    "area": Target(read=read_area),
    "parcels": Target(read=read_parcels, text=False),
    "counties": Target(read=read_counties),
    "chunk": Target(read=read_chunk, documented=(RuntimeError, ValueError), text=False),
    "tensors": Target(read=read_tensors, text=False),
    "model-card": Target(read=read_model_card),
    "settings": Target(read=read_settings),
    "readings": Target(read=read_readings),
    "firms": Target(read=read_firms_table),
    "station": Target(read=read_station),
    "payload": Target(read=read_payload, text=False),
    "message": Target(read=read_message),
    "arrival": Target(read=read_arrival, documented=(ValueError,), text=False),
    "segment": Target(read=read_segment, text=False),
    "mqtt-topic": Target(read=read_mqtt_topic),
    "entities": Target(read=read_entities),
    "valve-report": Target(read=read_valve_report, documented=(ValueError,)),
    "filter": Target(read=ask_filter),
    "options": Target(read=ask_options),
    "queue": Target(read=ask_queue),
    "rasters": Target(read=ask_rasters),
    "warning": Target(read=write_warning),
}

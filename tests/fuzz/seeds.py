"""Write the inputs that fuzzing starts from: small, whole, and made by us.

    python -m tests.fuzz.seeds

Files of the corpus with other names are inputs that once broke a reader.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from safetensors.numpy import save
from tests.catalog.stac_examples import earth_search
from tests.fuzz.run import CORPUS, ROOT
from tests.hotspots.made import VIIRS_HEAD

from agroforest.catalog.level1 import BANDS
from agroforest.core.grid import Grid
from agroforest.cube.sealed import seal
from agroforest.listen.arrival import Arrival, encode_arrival
from agroforest.listen.segment import build_frame
from agroforest.store import chunks
from agroforest.testing.level1 import Level1, write_l1c, write_l1tp
from agroforest.testing.uplinks import build_sent_uplink

_PLACE = {"crs": "EPSG:32649", "transform": Affine(10, 0, 3e5, 0, -10, 25e5)}
_RING = [[108.2, 22.8], [108.3, 22.8], [108.3, 22.9], [108.2, 22.8]]
_OUTLINE = {"type": "Polygon", "coordinates": [_RING]}
# Device of `targets_of_messages.read_payload`, port, bytes.
_PAYLOADS = (
    (0, 2, "0CD00000033F0714189C01"),
    (1, 2, "0CAF0CCC09E808CE0CBD10"),
    (2, 2, "0CAF0CCC021B00FA000001"),
    (3, 85, "01756403671901046873057ff000"),
    (3, 85, "20CE9E74466332001901C409"),
    (4, 1, "020b50000309018a8c09438a9809278a920b3c8aa50c9c8a8c11e08aa5"),
    (5, 1, "0210d3000346be813d00000c80"),
    (6, 1, "02023b0003003702710c60"),
    (8, 1, "0211110003409a00860c54"),
    (11, 1, "0243e300058000800080008000800080008741877b8749876c876c8766"),
    (12, 0, "01011098530000010210A87A0000AF51"),
    (13, 10, "00d35a00bd0a0a"),
)
_SAFE = """<Product><General_Info><Product_Info>
<PRODUCT_START_TIME>2024-03-01T03:05:41.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>S2A_MSIL2A_20240301T030541_N0510_R075_T49QBF_20240301T061512.SAFE</PRODUCT_URI>
<PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL><PROCESSING_BASELINE>05.10</PROCESSING_BASELINE>
<GENERATION_TIME>2024-03-01T06:15:12Z</GENERATION_TIME>
<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake>
<Granule granuleIdentifier="S2A_OPER_MSI_L2A_TL_A045000_T49QBF_N05.10">
<IMAGE_FILE>GRANULE/L2A/IMG_DATA/R10m/T49QBF_20240301T030541_B04_10m</IMAGE_FILE>
<IMAGE_FILE>GRANULE/L2A/IMG_DATA/R20m/T49QBF_20240301T030541_SCL_20m</IMAGE_FILE>
</Granule></Product_Info>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
"""
_SAFE += "".join(
    f'<BOA_ADD_OFFSET band_id="{n}">-1000</BOA_ADD_OFFSET>' for n in range(13)
)
_SAFE += """</General_Info>
<EXT_POS_LIST>23.0 108.0 23.0 109.0 24.0 109.0 24.0 108.0 23.0 108.0</EXT_POS_LIST>
<Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></Product>


<Tile><HORIZONTAL_CS_CODE>EPSG:32649</HORIZONTAL_CS_CODE></Tile>"""
_THEIA = """<Muscate><PRODUCTION_DATE>2024-03-02T01:02:03.000Z</PRODUCTION_DATE>
<REFLECTANCE_QUANTIFICATION_VALUE>10000</REFLECTANCE_QUANTIFICATION_VALUE>
<SPECIAL_VALUE name="nodata">-10000</SPECIAL_VALUE>
<QUALITY_INDEX name="CloudPercent">12</QUALITY_INDEX></Muscate>"""
_DECLARED = """level = "top of atmosphere"
satellite = "sentinel-2a"
sensed = 2024-03-01T03:05:41Z
sun_elevation = 48.2
sun_corrected = true
scale = 0.0001
offset = -0.1
nodata = 0
[bands]
""" + "\n".join(f'{name} = "{name}.tif"' for name in BANDS)
_VALVES = """[broker]
host = "127.0.0.1"
[valve.v1]
rated_m3h = 5.0
day_m3 = 40.0
longest_minutes = 60.0
[valve.v1.command]
topic = "valve/1/set"
open = {order = "$order", seconds = "$seconds"}
close = {order = "$order"}
[valve.v1.report]
topic = "valve/1/state"
"""
_CATALOG = {
    "type": "Catalog",
    "stac_version": "1.0.0",
    "id": "c",
    "links": [
        {"rel": "item", "href": "./there.json"},
        {"rel": "child", "href": "./sub/catalog.json"},
    ],
}
_MAPPING = """[time]
column = "t"
[sensor]
id = "a"
[[value]]
column = "v"
variable = "soil_moisture"
unit = "%"
"""
_READINGS = """sensor,time,variable,depth_m,value,unit
a,2024-05-01T00:00:00Z,soil_moisture,0.1,25,%
"""
_ISMN = """NET NET ST_1 22.8 108.3 75.0 0.05 0.10 Probe
2020/01/01 00:00 0.25 G M
"""
_STATION = """date,temp,rh,wind [m/s],prec
2024-03-01,21.5,60,2.1,0
2024-03-02,22,55,3,1.5
"""
_LISTEN = """[[broker]]
name = "b"
host = "127.0.0.1"
[[broker.topic]]
filter = "ttn/#"
kind = "ttn"
[webhook]
port = 8080
[[webhook.path]]
path = "/ttn"
kind = "ttn"
"""


def main() -> None:
    """Write all of them."""
    for target, found in _build().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(found):
            (folder / f"seed-{number:02d}").write_bytes(content)


def _build() -> dict[str, list[bytes]]:
    with TemporaryDirectory() as name:
        return {
            **_rasters(Path(name)),
            **_metadata(Path(name)),
            **_outlines(),
            **_settings(),
            **_messages(),
            **_questions(),
        }


def _rasters(folder: Path) -> dict[str, list[bytes]]:
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    files = [
        _raster("GTiff"),
        _raster("GTiff", **tiled, compress="deflate"),
        _raster("GTiff", bigtiff="YES", **tiled),
        _raster("GTiff", endianness="BIG"),
        _raster("JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES"),
    ]
    path = folder / "sealed.tif"
    path.write_bytes(files[0])
    seal(path)
    layout = chunks.Layout(shape=(3, 40, 30), sides=(32, 30), dtype=np.dtype("int16"))
    numbers = np.arange(3 * 32 * 30, dtype="int16").reshape(3, 32, 30)
    return {
        "raster-header": files,
        "tiff-fields": files[:2],
        "sealed": [path.read_bytes()],
        "chunk": [chunks.encode(numbers, layout), chunks.encode(0 * numbers, layout)],
        "tensors": [save({"a": np.ones((2, 3), "float32"), "b": np.ones(1, "int8")})],
    }


def _raster(driver: str, **options: Any) -> bytes:
    size = {"width": 16, "height": 16, "count": 1, "dtype": "uint8"}
    with rasterio.MemoryFile() as memory:
        with memory.open(driver=driver, **size, **_PLACE, **options) as data:
            data.write(np.arange(256, dtype="uint8").reshape(1, 16, 16))
        return bytes(memory.read())


def _metadata(folder: Path) -> dict[str, list[bytes]]:
    grid = Grid(
        crs="EPSG:32649", resolution=30.0, left=3e5, top=25e5, width=6, height=6
    )
    made = Level1(grid=grid, bands=np.full((len(BANDS), 6, 6), 0.1, "float32"))
    l1c = write_l1c(folder, made)
    (tile,) = l1c.glob("GRANULE/*/MTD_TL.xml")
    landsat = write_l1tp(folder, Level1(grid=grid, bands=made.bands, satellite="8"))
    (mtl,) = landsat.glob("*_MTL.json")
    groups = json.loads(mtl.read_text())["LANDSAT_METADATA_FILE"]
    level1 = _spell(groups)
    groups["PRODUCT_CONTENTS"]["PROCESSING_LEVEL"] = "L2SP"
    groups["IMAGE_ATTRIBUTES"] |= {"WRS_PATH": "125", "WRS_ROW": "44"}
    groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"] = groups.pop(
        "LEVEL1_RADIOMETRIC_RESCALING"
    )
    return {
        "mtl": _spell(groups),
        "mtl-level1": level1,
        "safe-xml": [_SAFE.encode()],
        "l1c-xml": [
            (l1c / "MTD_MSIL1C.xml").read_bytes() + b"\n\n\n" + tile.read_bytes()
        ],
        "theia-xml": [_THEIA.encode()],
        "declared": [_DECLARED.encode()],
        "stac-files": [
            _json(earth_search()),
            _json({"type": "FeatureCollection", "features": [earth_search()]}),
            _json(_CATALOG),
        ],
        "stac-item": [_json(earth_search())],
    }


def _spell(groups: Mapping[str, Mapping[str, str]]) -> list[bytes]:
    """Spell an MTL file in its three ways."""
    lines, rows = [], []
    for name, group in groups.items():
        lines += [f"GROUP = {name}", *(f'{k} = "{v}"' for k, v in group.items())]
        lines += [f"END_GROUP = {name}"]
        inside = "".join(f"<{k}>{v}</{k}>" for k, v in group.items())
        rows.append(f"<{name}>{inside}</{name}>")
    xml = f"<LANDSAT_METADATA_FILE>{''.join(rows)}</LANDSAT_METADATA_FILE>"
    return [_json(groups), "\n".join(lines).encode(), xml.encode()]


def _outlines() -> dict[str, list[bytes]]:
    parcel = {
        "id": "p1",
        "kind": "parcel",
        "name": "蔗田",
        "crop": "sugarcane",
        "sown": "2024-03-01",
        "flow_m3h": 5,
        "sensors": ["a"],
    }
    shape = shapely.Polygon(_RING)
    holed = shapely.Polygon(shape.exterior.coords, [shape.buffer(-0.01).exterior])
    return {
        "area": [_features({"id": "a"}, parcel)],
        "counties": [
            _features({"name": "武鸣区", "adcode": 450110, "level": "district"})
        ],
        "parcels": [
            shapely.to_wkb(each)
            for each in (
                shape,
                holed,
                shapely.MultiPolygon([shape]),
                shapely.Point(1, 2),
            )
        ],
    }


def _features(*properties: Mapping[str, Any]) -> bytes:
    features = [
        {"type": "Feature", "properties": dict(each), "geometry": _OUTLINE}
        for each in properties
    ]
    return _json({"type": "FeatureCollection", "name": "x", "features": features})


def _settings() -> dict[str, list[bytes]]:
    def toml(path: str) -> bytes:
        return (ROOT / path).read_bytes()

    crops = ROOT / "src/agroforest/farm/crops.toml"
    return {
        # The first byte is the reader, see `targets.read_settings`.
        "settings": [
            b"\0" + toml("pipelines/gaofeng-demo.toml"),
            b"\0" + toml("pipelines/nanning-fire.toml"),
            b"\1" + _LISTEN.encode(),
            b'\2time_zone = "Asia/Shanghai"\n[public]\nsender = "a@b.example"\n',
            b"\3" + _VALVES.encode(),
            b"\4" + _MAPPING.encode(),
            b"\5" + crops.read_bytes()[:1500].rpartition(b"\n[")[0],
        ],
        "model-card": [toml("models/fuel-moisture/card.toml")],
        "readings": [
            _READINGS.encode(),
            _ISMN.encode(),
            b"[" + build_sent_uplink(3, 0).payload + b"]",
        ],
        "firms": [
            f"{VIIRS_HEAD}\n23.5,108.5,330.1,0.4,0.4,2022-04-07,0551,N20,VIIRS,nominal,"
            "2.0NRT,290.1,5.2,D,0\n".encode()
        ],
        "station": [_STATION.encode()],
    }


def _messages() -> dict[str, list[bytes]]:
    when = datetime(2026, 6, 1, 12, tzinfo=UTC)
    arrival = Arrival(received=when, source="mqtt/b/ttn/x", payload=b"{}", size=2)
    stream = {
        "@iot.id": 7,
        "name": "x",
        "unitOfMeasurement": {"symbol": "%", "definition": "ucum:%"},
        "ObservedProperty": {"name": "soil moisture", "definition": "http://a/b#c"},
        "Thing": {"@iot.id": "t"},
    }
    point = {"type": "Point", "coordinates": [108.2, 22.8, 80]}
    thing = {"@iot.id": 1, "name": "a", "Locations": [{"location": point}]}
    seen = {"phenomenonTime": "2026-06-01T10:00:00Z", "result": 31.5}
    report = {
        "time": "2026-06-01T10:00:00Z",
        "open": True,
        "flow_m3h": 4.9,
        "meter_m3": 100.5,
        "command": "o1",
    }
    state = {"ts": 1780300800, "soil": {"moisture": 23.5}, "batt": -9999}
    return {
        "payload": [
            bytes([device, port]) + bytes.fromhex(text)
            for device, port, text in _PAYLOADS
        ],
        "message": [
            b"\0" + build_sent_uplink(3, 0).payload,
            b"\3" + _json([state, state]),
            b"\4" + _json(seen),
        ],
        "arrival": [encode_arrival(arrival)],
        "segment": [build_frame(b"abc") + build_frame(b"") + build_frame(b"xyz" * 9)],
        "mqtt-topic": [b"farm/+/#\nfarm/3/state", b"$share/g/a/+\na/b", b"#\n$SYS/x"],
        "entities": [b"\0" + _json(thing), b"\1" + _json(stream), b"\2" + _json(seen)],
        "valve-report": [
            b"i" + _json(report),
            b"u" + _json(report | {"time": 1780300800}),
        ],
        "warning": ["武鸣区 Wuming\n0771-1234567".encode(), b"<a>&\x00\n'\""],
    }


def _questions() -> dict[str, list[bytes]]:
    return {
        "filter": [
            b"result gt 0.2 and phenomenonTime ge 2024-05-01T00:00:00Z",
            b"substringof('a''b',name) or not (year(resultTime) eq 2024)",
        ],
        "options": [
            b"Datastreams?$filter=name eq 'a'&$top=5&$expand=Thing($select=name)",
            b"Things('a')/Locations?$orderby=name desc&$count=true",
        ],
        "queue": [
            b"\0WyJyYW5rIiwgMS41LCAzXQ",
            b"\1WyJuZXdlc3QiLCAiMjAyNC0wNS0wMSIsIDNd",
        ],
        "rasters": [
            b"108,22,109,23\n\nndvi\nx\n2024-05-01T00:00:00Z/..\n",
            b"\n" + _json(_OUTLINE) + b"\n\n\n\n2024-05-01T00:00:00Z|ndvi|x",
        ],
    }


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


if __name__ == "__main__":
    main()

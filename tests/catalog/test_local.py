"""The local catalogue: exact, atomic, and no slower with a longer archive."""

import builtins
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pystac
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agroforest import catalog
from agroforest.catalog.items import build_item, read_granule
from agroforest.catalog.local import LocalCatalog
from agroforest.core.errors import DataError
from agroforest.core.scene import BANDS, Asset, Granule, MaskKind

MakeGranule = Callable[..., Granule]
AREA = shapely.box(108.2, 23.2, 108.3, 23.3)
HERE = shapely.box(108.0, 23.0, 109.0, 24.0)

_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_TIMES = st.datetimes(datetime(1972, 7, 23), datetime(2099, 1, 1)).map(  # noqa: DTZ001  made UTC below
    lambda moment: moment.replace(tzinfo=UTC)
)
_ASSETS = st.builds(
    Asset,
    href=st.sampled_from(["/data/a b.tif", "https://x.org/é.tif", "s3://b/k.jp2"]),
    scale=_FLOATS,
    offset=_FLOATS,
    nodata=st.lists(st.integers(-32768, 65535), max_size=3).map(tuple),
    resolution=_FLOATS,
    sha256=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
)
_POINTS = st.tuples(st.floats(-180, 179), st.floats(-90, 89))
_BOXES = _POINTS.map(lambda p: shapely.box(p[0], p[1], p[0] + 1, p[1] + 1))
_GRANULES = st.builds(
    Granule,
    id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", fullmatch=True),
    collection=st.sampled_from(["sentinel-2-l2a", "landsat-c2-l2", "own"]),
    platform=st.sampled_from(["sentinel-2a", "landsat-8"]),
    place=st.sampled_from(["49QBF", "008059", ""]),
    sensed=_TIMES,
    baseline=st.sampled_from(["05.10", "1.4", "02", ""]),
    generated=st.none() | _TIMES,
    cloud_cover=st.none() | st.floats(0, 100),
    crs=st.sampled_from(["EPSG:32649", "EPSG:3035"]),
    footprint=_BOXES | st.lists(_BOXES, min_size=2, max_size=2).map(shapely.union_all),
    bands=st.dictionaries(st.sampled_from(BANDS), _ASSETS, max_size=4),
    mask=_ASSETS,
    mask_kind=st.sampled_from(MaskKind),
)


@given(granule=_GRANULES)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_item_and_back_is_exact(granule: Granule) -> None:
    item = json.loads(json.dumps(build_item(granule)))
    assert read_granule(item, where="x") == granule


def test_item_is_stac(make_granule: MakeGranule) -> None:
    granule = make_granule(
        cloud_cover=12.5, mask=Asset(href="/m.tif", resolution=20, sha256="ab" * 32)
    )
    item = build_item(granule)
    assert item["stac_version"] == "1.1.0"
    assert item["properties"]["datetime"] == "2024-03-01T03:05:41Z"
    assert item["properties"]["proj:code"] == "EPSG:32649"
    assert item["properties"]["eo:cloud_cover"] == 12.5
    assert item["bbox"] == [108.0, 23.0, 109.0, 24.0]
    assert item["assets"]["B04"]["raster:bands"][0]["scale"] == 1e-4
    assert item["assets"]["B04"]["eo:bands"][0]["common_name"] == "red"
    assert item["assets"]["mask"]["file:checksum"] == "1220" + "ab" * 32
    assert {e.split("/")[3] for e in item["stac_extensions"]} == {
        "eo",
        "file",
        "projection",
        "raster",
    }


def test_bbox_across_the_antimeridian_runs_west_to_east(
    make_granule: MakeGranule,
) -> None:
    halves = [shapely.box(179, -17, 180, -16), shapely.box(-180, -17, -179.5, -16)]
    item = build_item(make_granule(footprint=shapely.union_all(halves)))
    assert item["bbox"] == [179.0, -17.0, -179.5, -16.0]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 300])
def test_names_that_could_leave_the_folder_are_refused(
    make_granule: MakeGranule, tmp_path: Path, name: str
) -> None:
    with pytest.raises(DataError, match="cannot name a file"):
        LocalCatalog(tmp_path).add([make_granule(id=name)])
    assert list(tmp_path.rglob("*.json")) == []


def test_tree_is_a_static_catalogue_that_pystac_walks(
    make_granule: MakeGranule, tmp_path: Path
) -> None:
    local = LocalCatalog(tmp_path)
    days = [datetime(2023, 12, 31, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
    local.add([make_granule(id=f"G{d:%Y}", sensed=d) for d in days])
    local.add([make_granule(id="L", collection="landsat-c2-l2", sensed=days[1])])

    root = pystac.Catalog.from_file(str(tmp_path / "catalog.json"))
    assert sorted(item.id for item in root.get_items(recursive=True)) == [
        "G2023",
        "G2024",
        "L",
    ]
    item = next(i for i in root.get_items(recursive=True) if i.id == "G2023")
    collection = item.get_collection()
    assert collection is not None
    assert collection.id == "sentinel-2-l2a"
    assert collection.extent.temporal.intervals == [[days[0], days[1]]]
    for folder, _, _ in root.walk():
        parent = folder.get_parent()
        assert (parent is None) == (folder.id == "agroforest")
    read_back = catalog.recognise(tmp_path)
    found = local.find_granules(HERE, date(2023, 1, 1), date(2024, 12, 31))
    assert sorted(read_back, key=lambda g: g.id) == sorted(found, key=lambda g: g.id)
    assert len(found) == 3


def test_every_file_of_the_tree_passes_the_stac_schemas(
    make_granule: MakeGranule, tmp_path: Path
) -> None:
    program = shutil.which("rustac", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.fail("the rustac program is missing: pip install -e '.[dev]'")
    LocalCatalog(tmp_path).add([make_granule(cloud_cover=3.0)])
    paths = sorted(tmp_path.rglob("*.json"))
    assert len(paths) == 5
    for path in paths:
        value: dict[str, object] = json.loads(path.read_text())
        # Schemas of STAC itself come with the program, those of extensions do not.
        value.pop("stac_extensions", None)
        path.write_text(json.dumps(value))
        subprocess.run([program, "validate", str(path)], check=True)  # noqa: S603  our own words
    broken = tmp_path / "broken.json"
    broken.write_text(paths[0].read_text().replace('"id": "', '"di": "'))
    result = subprocess.run([program, "validate", str(broken)], check=False)  # noqa: S603  our own words
    assert result.returncode != 0


def test_adding_again_rewrites_nothing_and_order_does_not_matter(
    make_granule: MakeGranule, tmp_path: Path
) -> None:
    granules = [
        make_granule(id=f"G{n}", sensed=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(n))
        for n in range(0, 400, 40)
    ]
    one, other = LocalCatalog(tmp_path / "one"), LocalCatalog(tmp_path / "other")
    assert one.add(granules) == (10, 0)
    before = _times(tmp_path / "one")
    assert one.add(granules) == (0, 10)
    assert _times(tmp_path / "one") == before
    for granule in reversed(granules):
        other.add([granule])
    assert _texts(tmp_path / "one") == _texts(tmp_path / "other")
    changed = granules[3].patch(cloud_cover=50.0)
    assert one.add([changed]) == (1, 0)
    touched = {p for p, t in _times(tmp_path / "one").items() if before.get(p) != t}
    assert touched == {one.item_path(changed)}


def test_interrupted_add_is_completed_by_the_next(
    make_granule: MakeGranule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = LocalCatalog(tmp_path / "cut")
    granules = [make_granule(id=f"G{n}") for n in range(3)]
    replace = Path.replace
    calls = 0

    def fail_on_second(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_second)
    with pytest.raises(OSError, match="No space left"):
        local.add(granules)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.part*"))
    assert local.add(granules) == (2, 1)
    whole = LocalCatalog(tmp_path / "whole")
    whole.add(granules)
    assert _texts(tmp_path / "cut") == _texts(tmp_path / "whole")


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, ["A", "B", "C"]),
        ({"start": date(2024, 3, 2)}, ["B", "C"]),
        ({"end": date(2024, 3, 2)}, ["A", "B"]),
        ({"max_cloud_cover": 50.0}, ["A", "C"]),
        ({"max_cloud_cover": 90.0}, ["A", "B", "C"]),
        ({"collections": ["sentinel-2-l2a"]}, ["A", "B"]),
        ({"collections": ["nothing", "../.."]}, []),
        ({"area": shapely.box(110, 23, 111, 24)}, ["C"]),
        ({"area": shapely.box(0, 0, 1, 1)}, []),
    ],
)
def test_find_by_place_day_cloud_and_collection(
    make_granule: MakeGranule,
    tmp_path: Path,
    asked: dict[str, object],
    ids: list[str],
) -> None:
    local = LocalCatalog(tmp_path)
    local.add(
        [
            make_granule(id="A", sensed=datetime(2024, 3, 1, 0, 0, tzinfo=UTC)),
            make_granule(
                id="B",
                sensed=datetime(2024, 3, 2, 23, 59, 59, tzinfo=UTC),
                cloud_cover=90.0,
            ),
            make_granule(
                id="C",
                collection="landsat-c2-l2",
                sensed=datetime(2024, 3, 3, tzinfo=UTC),
                cloud_cover=10.0,
                footprint=shapely.box(108, 23, 111, 24),
            ),
        ]
    )
    query = {
        "area": AREA,
        "start": date(2024, 1, 1),
        "end": date(2024, 12, 31),
        **asked,
    }
    found = catalog.find(local, **query)  # type: ignore[arg-type]
    assert [scene.granules[0].id for scene in found] == ids


def test_window_opens_its_own_items_only_however_long_the_archive(
    make_granule: MakeGranule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = {}
    for years in (1, 5):
        local = LocalCatalog(tmp_path / str(years))
        first = datetime(2024, 6, 15, 3, 0, tzinfo=UTC)
        local.add(
            make_granule(id=f"G{n}", sensed=first - timedelta(days=9 * n))
            for n in range(40 * years)
        )
        seen: list[str] = []
        listed: list[str] = []
        with monkeypatch.context() as patch:
            _count(patch, seen, listed)
            found = local.find_granules(AREA, date(2024, 6, 6), date(2024, 6, 15))
        assert [g.id for g in found] == ["G1", "G0"]
        opened[years] = (len(seen), len(listed))
    assert opened[1] == opened[5]
    assert opened[1][0] == 2


def _count(patch: pytest.MonkeyPatch, seen: list[str], listed: list[str]) -> None:
    """Note each file opened and each folder listed."""
    real_open, real_scandir, real_listdir = io.open, os.scandir, os.listdir

    def counting_open(file: object, *args: object, **kwargs: object) -> object:
        seen.append(str(file))
        return real_open(file, *args, **kwargs)  # type: ignore[call-overload]

    def counting_scandir(path: str = ".") -> object:
        listed.append(str(path))
        return real_scandir(path)

    def counting_listdir(path: str = ".") -> list[str]:
        listed.append(str(path))
        return real_listdir(path)

    patch.setattr(io, "open", counting_open)
    patch.setattr(builtins, "open", counting_open)
    patch.setattr(os, "scandir", counting_scandir)
    patch.setattr(os, "listdir", counting_listdir)


def test_damaged_item_is_refused_and_the_rest_is_found(
    make_granule: MakeGranule, tmp_path: Path
) -> None:
    refused: list[DataError] = []
    local = LocalCatalog(tmp_path, refuse=refused.append)
    local.add([make_granule(id=name) for name in "ABCD"])
    paths = sorted(tmp_path.rglob("2024*_*.json"))
    paths[0].write_text(paths[0].read_text()[:-40])
    paths[1].write_text("[1]")
    paths[2].write_text(paths[2].read_text().replace('"platform"', '"plat"'))
    found = local.find_granules(AREA, date(2024, 3, 1), date(2024, 3, 1))
    assert [g.id for g in found] == ["D"]
    assert [str(e).split(":")[0] for e in refused] == [str(p) for p in paths[:3]]
    assert local.add([make_granule(id=name) for name in "ABCD"]) == (3, 1)


def test_unchanged_files_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_raster: Callable[..., Path]
) -> None:
    name = "SENTINEL2A_20240301-030541-575_L2A_T49QBF_C_V3-1"
    for band in ("B2", "B4"):
        make_raster(tmp_path / name / f"{name}_FRE_{band}.tif", dtype="int16")
    make_raster(tmp_path / name / "MASKS" / f"{name}_CLM_R2.tif", dtype="uint8")
    local = LocalCatalog(tmp_path / "catalog")
    labels: list[tuple[int, int, str]] = []
    report = catalog.add_scenes(
        [tmp_path / name], local, progress=lambda *step: labels.append(step)
    )
    assert (report.added, labels) == (1, [(1, 1, name)])

    read: list[Path] = []

    def digest(path: Path) -> str:
        read.append(path)
        return "0" * 64

    monkeypatch.setattr("agroforest.catalog.checksum.digest_file", digest)
    assert catalog.add_scenes([tmp_path / name], local).known == 1
    assert read == []
    make_raster(tmp_path / name / f"{name}_FRE_B4.tif", dtype="int16", size=20)
    assert catalog.add_scenes([tmp_path / name], local).added == 1
    assert [path.name for path in read] == [f"{name}_FRE_B4.tif"]


def _times(folder: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*.json")}


def _texts(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.json")}

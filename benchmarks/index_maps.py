"""What the index maps of a full tile cost, beside what one would run instead.

    python benchmarks/index_maps.py [--work DIR] [--runs N] [--json FILE]

Makes a tile of 10980 x 10980 pixels, then runs every contender in a process of its
own, in turn, and prints the median wall time, processor time and peak memory. The
floor decodes the same bands and lets GDAL encode the same maps, and nothing else.
Values are compared with whole-array NumPy.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import rasterio
from made_tile import SIDE, make_tile  # type: ignore[import-not-found]  # beside it
from numpy.typing import NDArray
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from agroforest.indices import INDICES

TWO = ("ndvi", "ndmi_b08")
_CLEAR = (4, 5, 6, 7)
_HERE = Path(__file__)


class Cost(NamedTuple):
    """Of one process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=Path("work/bench"))
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--side", type=int, default=SIDE)
    options.add_argument("--json", type=Path)
    options.add_argument("--only", nargs="*", default=())
    options.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.part:
        name, folder, out = chosen.part
        _PARTS[name](Path(folder), Path(out))
        return
    folder = chosen.work / f"made_{chosen.side}_20241105"
    out, kept = chosen.work / "out", chosen.work / "kept"
    # In processes of their own: a child's peak memory is at least its parent's.
    _part("make", folder, chosen.work)
    commands = {
        name: command
        for name, command in _commands(folder, out).items()
        if not chosen.only or name in chosen.only
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(chosen.runs):
        for name, command in commands.items():
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            costs[name].append(_measure(command))
            if name == "agroforest, two indices":
                shutil.rmtree(kept, ignore_errors=True)
                out.rename(kept)
    found = {
        name: Cost(*map(median, zip(*runs, strict=True)))
        for name, runs in costs.items()
    }
    figures = _figures(found)
    if "agroforest, two indices" in found:
        figures |= json.loads(_part("compare", folder, kept))
    _print(found, figures)
    if chosen.json:
        report = {
            "costs": {n: c._asdict() for n, c in found.items()},
            "figures": figures,
        }
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")


def _part(name: str, folder: Path, out: Path) -> str:
    command = [sys.executable, str(_HERE), "--part", name, str(folder), str(out)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def _commands(folder: Path, out: Path) -> dict[str, list[str]]:
    ours = [str(Path(sys.executable).with_name("agroforest")), "index", str(folder)]
    ours += ["--out", str(out), "--json"]
    part = [sys.executable, str(_HERE), "--part"]

    def asked(names: Sequence[str]) -> list[str]:
        return [word for name in names for word in ("--index", name)]

    commands = {
        "agroforest, two indices": [*ours, *asked(TWO)],
        "agroforest, two indices, DEFLATE": [*ours, *asked(TWO), "--codec", "deflate"],
        "agroforest, ten indices": [*ours, *asked(tuple(INDICES))],
        "floor: decode, GDAL encodes ZSTD-1": [*part, "floor", str(folder), str(out)],
        "rioxarray and dask": [*part, "naive", str(folder), str(out)],
    }
    if shutil.which("gdal_calc.py"):
        commands["gdal_calc"] = [*part, "gdal_calc", str(folder), str(out)]
    if find_spec("odc") and find_spec("odc.stac"):
        commands["odc-stac"] = [*part, "odc_stac", str(folder), str(out)]
    return commands


def _measure(command: list[str]) -> Cost:
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _figures(found: dict[str, Cost]) -> dict[str, float]:
    """Ratios that the targets are about."""
    two = found.get("agroforest, two indices")
    figures = {}
    for name, key in (
        ("wall against rioxarray and dask", "rioxarray and dask"),
        ("wall against the floor", "floor: decode, GDAL encodes ZSTD-1"),
    ):
        if two and key in found:
            figures[name] = two.wall_s / found[key].wall_s
    if two and "agroforest, ten indices" in found:
        figures["ten indices against two"] = (
            found["agroforest, ten indices"].wall_s / two.wall_s
        )
    return figures


def _print(found: dict[str, Cost], figures: dict[str, float]) -> None:
    print(f"{'':<40}{'wall s':>9}{'cpu s':>9}{'peak MB':>9}")
    for name, cost in found.items():
        print(f"{name:<40}{cost.wall_s:>9.2f}{cost.cpu_s:>9.2f}{cost.peak_mb:>9.0f}")
    print()
    for name, value in figures.items():
        print(f"{name:<58}{value:>9.3g}")


# ------------------------------------------------------------- contenders


def _floor(folder: Path, out: Path) -> None:
    """Decode in two threads; encode two maps of such numbers by GDAL's COG driver."""
    side = _side(folder)
    maps = np.empty((2, side, side), np.int16)

    def decode(job: tuple[str, int, int, int]) -> None:
        name, row, column, size = job
        with rasterio.open(folder / f"{name}.tif") as data:
            width = min(size, data.width - column)
            height = min(size, data.height - row)
            numbers = data.read(1, window=Window(column, row, width, height))
        if name in _TEN_METRES:  # so that what is encoded looks like maps
            target = maps[
                _TEN_METRES[name], row : row + height, column : column + width
            ]
            np.copyto(target, numbers, casting="unsafe")

    jobs = [
        (name, row, column, size)
        for name, edge, size in (
            ("B04", side, 2048), ("B08", side, 2048),
            ("B11", side // 2, 1024), ("SCL", side // 2, 1024),
        )
        for row in range(0, edge, size)
        for column in range(0, edge, size)
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(decode, jobs))
    for name, numbers in zip(TWO, maps, strict=True):
        _encode(out / f"{name}.tif", numbers, folder)


_TEN_METRES = {"B04": 0, "B08": 1}


def _encode(path: Path, numbers: NDArray[np.int16], folder: Path) -> None:
    with rasterio.open(folder / "B04.tif") as data:
        profile = {"crs": data.crs, "transform": data.transform}
    with rasterio.open(
        path, "w", driver="COG", dtype="int16", count=1, nodata=-32768,
        height=numbers.shape[0], width=numbers.shape[1], compress="ZSTD", level=1,
        predictor="YES", num_threads=2, overview_resampling="average", **profile,
    ) as data:  # fmt: skip
        data.write(numbers, 1)


def _naive(folder: Path, out: Path) -> None:
    """Do as the tutorials show: lazy arrays, arithmetic, to_raster."""
    import rioxarray  # noqa: PLC0415
    import xarray as xr  # noqa: PLC0415

    chunks = {"x": 2048, "y": 2048}

    def read(name: str) -> Any:  # noqa: ANN401
        data = rioxarray.open_rasterio(folder / f"{name}.tif", chunks=chunks)
        assert isinstance(data, xr.DataArray)
        return data.squeeze("band", drop=True)

    red, nir = (read(b).astype("float32") / 10_000 for b in ("B04", "B08"))
    fine = read("B04")
    swir = read("B11").rio.reproject_match(fine).astype("float32") / 10_000
    scl = read("SCL").rio.reproject_match(fine)
    clear = scl.isin(_CLEAR) & (nir > 0) & (red > 0)
    for name, other in (("ndvi", red), ("ndmi_b08", swir)):
        value = (nir - other) / (nir + other)
        numbers = (value * 10_000).round().where(clear).fillna(-32768).astype("int16")
        numbers = numbers.rio.write_crs(fine.rio.crs).rio.write_nodata(-32768)
        numbers.rio.to_raster(
            out / f"{name}.tif", driver="COG", compress="ZSTD", level=1,
            predictor="YES", num_threads=2, overview_resampling="average",
        )  # fmt: skip


def _side(folder: Path) -> int:
    with rasterio.open(folder / "B04.tif") as data:
        return int(data.width)


def _gdal_calc(folder: Path, out: Path) -> None:
    """Do with GDAL's own programs: bring to 10 m, calculate, make COGs."""

    def run(*words: str | Path) -> None:
        subprocess.run(list(map(str, words)), check=True, capture_output=True)  # noqa: S603

    for name in ("B11", "SCL"):
        fine = ("-outsize", "200%", "200%", "-r", "nearest")
        run("gdal_translate", *fine, folder / f"{name}.tif", out / f"{name}.tif")
    clear = "((S==4)|(S==5)|(S==6)|(S==7))&(A>0)&(B>0)"
    value = "rint(10000*(A*1.0-B)/(A*1.0+B+(A==0)))"
    for name, other in (("ndvi", folder / "B04.tif"), ("ndmi_b08", out / "B11.tif")):
        run(
            "gdal_calc.py", "--quiet", "-A", folder / "B08.tif", "-B", other,
            "-S", out / "SCL.tif", "--type", "Int16", "--NoDataValue", "-32768",
            "--calc", f"where({clear},{value},-32768)", "--outfile", out / "raw.tif",
            "--overwrite",
        )  # fmt: skip
        run(
            "gdal_translate", "-of", "COG", "-co", "COMPRESS=ZSTD", "-co", "LEVEL=1",
            "-co", "PREDICTOR=YES", "-co", "NUM_THREADS=2",
            "-co", "OVERVIEW_RESAMPLING=AVERAGE", out / "raw.tif", out / f"{name}.tif",
        )  # fmt: skip


def _odc_stac(folder: Path, out: Path) -> None:
    """Load lazily from a STAC item, calculate, save with Dask."""
    import odc.stac  # noqa: PLC0415
    import pystac  # noqa: PLC0415
    from odc.geo.xr import write_cog  # noqa: PLC0415

    now = datetime(2024, 11, 5, tzinfo=UTC)
    item = pystac.Item("made", None, None, now, {"proj:code": "EPSG:32649"})
    bands = ("B04", "B08", "B11", "SCL")
    for name in bands:
        with rasterio.open(folder / f"{name}.tif") as data:
            fields = {
                "proj:shape": list(data.shape),
                "proj:transform": list(data.transform)[:6],
            }
        item.add_asset(
            name, pystac.Asset(str(folder / f"{name}.tif"), extra_fields=fields)
        )
    left, bottom, right, top = _lonlat(folder)
    item.geometry = {
        "type": "Polygon",
        "coordinates": [
            [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
        ],
    }
    item.bbox = [left, bottom, right, top]
    item.stac_extensions = [_PROJECTION]
    data = odc.stac.load(
        [item], bands=list(bands), crs="EPSG:32649", resolution=10,
        chunks={"x": 2048, "y": 2048},
    ).squeeze("time", drop=True)  # fmt: skip
    nir = data["B08"].astype("float32")
    clear = data["SCL"].isin(_CLEAR) & (nir > 0)
    for name, band in (("ndvi", "B04"), ("ndmi_b08", "B11")):
        other = data[band].astype("float32")
        value = ((nir - other) / (nir + other) * 10_000).round()
        numbers = (
            value.where(clear & (other > 0)).fillna(-32768).astype("int16").compute()
        )
        write_cog(
            numbers, out / f"{name}.tif", nodata=-32768, compress="ZSTD",
            overview_resampling="average",
        )  # fmt: skip


_PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"


def _lonlat(folder: Path) -> tuple[float, float, float, float]:
    with rasterio.open(folder / "B04.tif") as data:
        left, bottom, right, top = transform_bounds(data.crs, 4326, *data.bounds)
    return left, bottom, right, top


# ------------------------------------------------------------ correctness


def _compare(folder: Path, kept: Path) -> None:
    """Largest difference to NumPy in units of the maps, and pixels of other nodata."""

    def whole(name: str) -> NDArray[Any]:
        with rasterio.open(folder / f"{name}.tif") as data:
            return np.asarray(data.read(1))

    def fine(name: str) -> NDArray[Any]:
        return np.repeat(np.repeat(whole(name), 2, axis=0), 2, axis=1)

    red, nir = whole("B04").astype(np.float64), whole("B08").astype(np.float64)
    clear = np.isin(fine("SCL"), _CLEAR) & (nir > 0)
    apart, other = 0, 0
    for name, band in (("ndvi", red), ("ndmi_b08", fine("B11").astype(np.float64))):
        usable = clear & (band > 0)
        with np.errstate(invalid="ignore"):
            value = np.rint(10_000 * (nir - band) / (nir + band))
        expected = np.where(usable, value, -32768)
        (path,) = kept.glob(f"*_{name}.tif")
        with rasterio.open(path) as data:
            found = data.read(1).astype(np.float64)
        other += int(((found == -32768) != ~usable).sum())
        apart = max(apart, int(np.abs(found - expected)[usable].max()))
    figures = {
        "largest difference to NumPy, int16 units": apart,
        "pixels where only one has nodata": other,
    }
    print(json.dumps(figures))


def _make(folder: Path, out: Path) -> None:
    del out
    make_tile(folder, side=int(folder.name.split("_")[1]))


_PARTS: dict[str, Callable[[Path, Path], None]] = {
    "make": _make,
    "compare": _compare,
    "floor": _floor,
    "naive": _naive,
    "gdal_calc": _gdal_calc,
    "odc_stac": _odc_stac,
}

if __name__ == "__main__":
    main()

"""Checks of what is installed: GDAL, libraries, models."""

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from agroforest.core.errors import ModelError
from agroforest.core.identity import digest_file
from agroforest.health.finding import Finding, fail, warn, well
from agroforest.risk import models_dir
from agroforest.risk.card import WEIGHTS_NAME, read_card

#: What reads and writes rasters (short name of GDAL, and whether it must write), and
#: what each is for.
RASTER_DRIVERS = {
    "GTiff": "GeoTIFF",
    "COG": "outputs",
    "JP2OpenJPEG": "Sentinel-2 SAFE",
    "netCDF": "gridded weather",
}
VECTOR_DRIVERS = {"GPKG": "parcels", "GeoJSON": "areas", "ESRI Shapefile": "parcels"}
#: Drivers without which some inputs cannot be read, but nights run.
_OPTIONAL = frozenset({"netCDF", "ESRI Shapefile"})
_LEAST_GDAL = (3, 5)


def check_gdal(
    rasters: Iterable[str] | None = None,
    vectors: Iterable[str] | None = None,
    release: str | None = None,
) -> Finding:
    """Whether GDAL has the drivers that are needed.

    Parameters
    ----------
    rasters, vectors
        Names of the drivers there are; those of the installed libraries unless given.
    release
        Of GDAL, likewise.
    """
    if rasters is None:
        import rasterio.drivers  # noqa: PLC0415  seconds
        from rasterio.env import Env  # noqa: PLC0415

        with Env() as env:
            rasters = env.drivers()
    if vectors is None:
        import pyogrio  # noqa: PLC0415

        vectors = pyogrio.list_drivers()
    if release is None:
        import rasterio  # noqa: PLC0415

        release = rasterio.__gdal_version__
    have = {*rasters, *vectors}
    wanted = {**RASTER_DRIVERS, **VECTOR_DRIVERS}
    lacking = [name for name in wanted if name not in have]
    fix = "pip install --force-reinstall rasterio pyogrio"
    if lacking:
        named = ", ".join(f"{name} ({wanted[name]})" for name in lacking)
        kind = warn if set(lacking) <= _OPTIONAL else fail
        return kind("gdal", f"GDAL {release} 缺少 {named}", f"lacks {named}", fix)
    if tuple(int(n) for n in release.split(".")[:2]) < _LEAST_GDAL:
        return fail("gdal", f"GDAL {release} 过旧", f"GDAL {release} is too old", fix)
    return well("gdal", f"GDAL {release}", f"{len(wanted)} drivers are there")


def check_versions(
    find_version: Callable[[str], str] = version, lines: Iterable[str] | None = None
) -> Finding:
    """Whether the libraries are those that agroforest asks for.

    Parameters
    ----------
    find_version
        Gives the installed version of a library.
    lines
        Requirements; those of the installed agroforest unless given.
    """
    if lines is None:
        lines = requires("agroforest") or ()
    wrong = []
    for line in lines:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = find_version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} (missing)")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} {found} ({wanted.specifier})")
    python = ".".join(map(str, sys.version_info[:3]))
    if wrong:
        named = ", ".join(wrong)
        return fail(
            "libraries",
            f"版本不符：{named}",
            f"not as asked for: {named}",
            "pip install -c constraints.txt agroforest",
        )
    return well("libraries", f"Python {python}", "libraries are as asked for")


def check_models(folder: Path | None = None) -> list[Finding]:
    """Whether each model is what its card says: weights by their SHA-256."""
    found = []
    root = folder or models_dir()
    cards = sorted(root.glob("*/card.toml"))
    for path in cards:
        name = path.parent.name
        try:
            card = read_card(path.parent)
            sha256 = digest_file(path.parent / WEIGHTS_NAME)
        except (ModelError, OSError) as error:
            found.append(_damaged(name, " ".join(str(error).split())))
            continue
        if sha256 != card.weights.sha256:
            found.append(_damaged(name, "the weights are not those of the card"))
    if not cards:
        found.append(_damaged(str(root), "no models"))
    if not found:
        found.append(well("models", f"{len(cards)} 个模型完好", "match their cards"))
    return found


def _damaged(name: str, why: str) -> Finding:
    return fail(
        "models",
        f"{name} 不能用：{why}",
        f"{name}: {why}",
        "install agroforest again, or train it: agroforest model train",
    )

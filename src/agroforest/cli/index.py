"""``agroforest index``: index maps of one scene."""

import json
import os
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.products import SceneMaps


class Compression(StrEnum):
    """How the maps are compressed."""

    ZSTD = "zstd"
    DEFLATE = "deflate"


def index(
    scene: Annotated[
        Path,
        typer.Argument(
            help="STAC item file, SAFE, Theia or Landsat folder, or a folder of "
            "GeoTIFFs named by band (B04.tif, SCL.tif)."
        ),
    ],
    *,
    names: Annotated[
        list[str],
        typer.Option("--index", help="Index, for example ndvi; may be repeated."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the maps.", file_okay=False)],
    codec: Annotated[
        Compression,
        typer.Option(help="zstd is faster; deflate opens in software before 2018."),
    ] = Compression.ZSTD,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; one a processor by default.")
    ] = None,
    dilate_m: Annotated[
        float,
        typer.Option(
            min=0.0, max=2000.0, help="Metres by which cloud and shadow are grown."
        ),
    ] = 0.0,
    scale: Annotated[
        float | None,
        typer.Option(help="Of a folder of GeoTIFFs: reflectance a number."),
    ] = None,
    offset: Annotated[
        float | None,
        typer.Option(help="Of a folder of GeoTIFFs: reflectance of number 0."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    cache_gb: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Size of the folder `decoded` under the work folder, in which "
            "JPEG 2000 bands are kept decoded; 0 keeps none.",
        ),
    ] = 20.0,
    as_json: Json = False,
) -> None:
    """Compute index maps of a scene in one pass.

    一次读取影像，同时计算多个指数。

    Each map is a cloud-optimised GeoTIFF (int16, x 10000, -32768 nodata where not
    clear) with a STAC item beside it, named after the scene and the index.
    """
    started = time.perf_counter()
    from agroforest.catalog.single import read_scene
    from agroforest.cube import DecodedCache
    from agroforest.products import map_scene

    threads = workers or os.cpu_count() or 1
    cache = DecodedCache(
        root=work / "decoded", max_bytes=int(cache_gb * 1e9), workers=threads
    )

    found = read_scene(scene, scale=scale, offset=offset)
    with Bar() as bar:
        maps = map_scene(
            found.scene,
            [name for text in names for name in text.split(",")],
            out,
            name=found.name,
            dilate_m=dilate_m,
            codec=codec.value,
            workers=threads,
            cache=cache if cache_gb else None,
            progress=lambda done, total: bar.reached(done, total, found.name),
        )
    seconds = time.perf_counter() - started
    for note in found.notes:
        typer.echo(f"note  {note}", err=True)
    if as_json:
        typer.echo(_json(maps, found.name, found.notes, seconds))
        return
    for name, made in maps.maps.items():
        share = made.valid / (maps.grid.width * maps.grid.height)
        typer.echo(f"{shown(made.path)}  {name}, {share:.0%} valid")
    typer.echo(f"{len(maps.maps)} maps in {seconds:.1f} s")


def _json(maps: "SceneMaps", name: str, notes: tuple[str, ...], seconds: float) -> str:
    grid = maps.grid
    return json.dumps(
        {
            "scene": name,
            "grid": {
                "crs": grid.crs,
                "left": grid.left,
                "top": grid.top,
                "resolution": grid.resolution,
                "width": grid.width,
                "height": grid.height,
            },
            "indices": {
                index: {
                    "path": str(made.path),
                    "item": str(made.item),
                    "sha256": made.sha256,
                    "valid": made.valid / (grid.width * grid.height),
                }
                for index, made in maps.maps.items()
            },
            "notes": list(notes),
            "seconds": round(seconds, 3),
        },
        ensure_ascii=False,
    )

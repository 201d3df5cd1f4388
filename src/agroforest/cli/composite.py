"""``agroforest composite``: a season's scenes as one image a year."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder, shown
from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from agroforest.core.scene import Scene
    from agroforest.products.composite import YearOfTile


def composite(
    scenes: Annotated[
        list[Path],
        typer.Argument(
            help="SAFE or Theia folders, STAC files, or folders of them. · 影像目录"
        ),
    ],
    *,
    season: Annotated[
        str,
        typer.Option(help="First and last day, MM-DD/MM-DD. · 季节起止"),
    ] = "08-15/10-15",
    years: Annotated[
        str, typer.Option(help="Years, such as 2019,2020 or 2016-2020. · 年份")
    ],
    aoi: Annotated[Path, typer.Option(help="Area of interest. · 监测范围")],
    out: Annotated[
        Path, typer.Option(help="Folder to write. · 输出目录", file_okay=False)
    ],
    resolution: Annotated[
        float, typer.Option(min=1.0, max=1000.0, help="Metres a pixel. · 像元边长")
    ] = 10.0,
    tile_size: Annotated[
        float, typer.Option(help="Metres a tile, a divisor of 100 km. · 瓦片边长")
    ] = 10_000.0,
    dilate_m: Annotated[
        float,
        typer.Option(
            min=0.0, max=1000.0, help="Metres by which cloud and shadow are grown."
        ),
    ] = 40.0,
    max_cloud_cover: Annotated[
        float,
        typer.Option(min=0.0, max=100.0, help="Percent; cloudier scenes are left out."),
    ] = 80.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; one a processor by default.")
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
    """Composite a season's Sentinel-2 scenes: the median of clear observations.

    将每年同一季节的清晰观测逐像元取中值，合成一幅影像。

    Writes OUT/YEAR/TILE.tif (12 bands, reflectance x 10000, 0 = not seen) with a STAC
    item, and the number of clear dates in OUT/YEAR/count. `agroforest model predict
    canopy-damage --data OUT` compares the last two years. B01 and B09 are estimated
    where an archive lacks them, which the item says; without the other ten bands
    there is no composite.
    """
    from agroforest.core.aoi import read_aoi
    from agroforest.core.errors import NoInputError
    from agroforest.core.grid import find_tiles
    from agroforest.cube import DecodedCache
    from agroforest.products.composite import build_years
    from agroforest.products.compute import MaskRule

    wanted, chosen = _season(season), _years(years)
    threads = workers or os.cpu_count() or 1
    cache = DecodedCache(
        root=work / "decoded", max_bytes=int(cache_gb * 1e9), workers=threads
    )
    tiles = find_tiles(read_aoi(aoi).area, resolution=resolution, size=tile_size)
    with Bar() as bar:
        made = list(
            build_years(
                _read(scenes, max_cloud_cover),
                tiles,
                chosen,
                season=wanted,
                mask=MaskRule(dilate_m=dilate_m),
                out=out,
                workers=threads,
                cache=cache if cache_gb else None,
                progress=lambda done, total: bar.reached(done, total, out.name),
            )
        )
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in made], ensure_ascii=False))
    else:
        for one in made:
            typer.echo(_line(one))
    if all(one.composite is None for one in made):
        raise NoInputError(out, "no composite could be made", "see the lines above")


def _season(text: str) -> Any:  # noqa: ANN401  loaded only here
    from agroforest.core.season import Season

    try:
        return Season.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--season") from None


def _years(text: str) -> list[int]:
    found: set[int] = set()
    try:
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            found |= set(range(int(first), int(last if dash else first) + 1))
    except ValueError:
        found = set()
    if not found or not 1972 <= min(found) <= max(found) <= 2999:
        raise typer.BadParameter(
            f"{text!r} is no list of years; write 2019,2020 or 2016-2020",
            param_hint="--years",
        )
    return sorted(found)


def _read(paths: list[Path], max_cloud_cover: float) -> "list[Scene]":
    """Scenes of products; one that is damaged is named and left out."""
    from agroforest.catalog.precedence import resolve_granules
    from agroforest.catalog.recognise import find_products
    from agroforest.core.errors import DataError

    granules, products = [], []
    for path in paths:
        products += find_products(path)
    for product in products:
        try:
            granules += product.read()
        except DataError as error:
            typer.echo(f"refused  {error}", err=True)
    return resolve_granules(
        g for g in granules if not (g.cloud_cover or 0) > max_cloud_cover
    )


def _plain(one: "YearOfTile") -> dict[str, Any]:
    made = one.composite
    if made is None:
        return {"tile": one.tile, "year": one.year, "missing": one.missing}
    return {
        "tile": one.tile,
        "year": one.year,
        "path": str(made.path),
        "item": str(made.item),
        "count": str(made.count),
        "content": made.content,
        "scenes": list(made.scenes),
        "left_out": list(made.left_out),
        "filled": list(made.filled),
        "refused": [str(error) for error in made.refused],
        "made": made.made,
    }


def _line(one: "YearOfTile") -> str:
    made = one.composite
    if made is None:
        return f"{one.year} {one.tile}  nothing: {one.missing}"
    notes = [f"{len(made.scenes)} scenes"]
    if made.left_out:
        notes.append(f"{len(made.left_out)} without all bands left out")
    if made.refused:
        notes.append(f"{len(made.refused)} unreadable")
    if made.filled:
        notes.append(f"{' and '.join(made.filled)} estimated")
    if not made.made:
        notes.append("was there already")
    return f"{shown(made.path)}  {', '.join(notes)}"

"""``agroforest monitor``: the canopy detector over a cube of scenes."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.progress import Bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agroforest.monitor import Cube, Found


def monitor(
    cube: Annotated[
        Path, typer.Argument(help="NetCDF file or Zarr store with time, y, x.")
    ],
    *,
    train_until: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="Last day of the seasons' history."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    forest: Annotated[
        Path | None,
        typer.Option(exists=True, help="GeoTIFF on any grid; above 0 is forest."),
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="Folder of models, if not the shipped ones.")
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="Such as EPSG:32649, if the cube does not say.")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Reflectance of one number; guessed if left out."),
    ] = None,
    offset: Annotated[float, typer.Option(help="Reflectance of the number zero.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Watch a cube of Sentinel-2 scenes for canopy stress, felling and fire.

    对一个影像立方体逐日监测林冠胁迫、采伐与火烧（须实地核查，不是诊断）。

    Seasons are learned until --train-until; every later date is judged as a night
    would. Writes probability.tif, detected.tif (first date of the first confirmed
    run, days since 1970-01-01, 0 = none), confirmed.tif (when it was confirmed) and
    class.tif (0 none, 1 stress, 2 cut, 3 fire, 4 other), and map.svg to look at. A sign
    to go and look, not a diagnosis.
    """
    from agroforest.core.risk import epoch_day
    from agroforest.monitor import open_cube, read_forest, watch_cube
    from agroforest.risk import load_model, models_dir

    opened = open_cube(cube, crs=crs, scale=scale, offset=offset)
    for note in opened.notes:
        typer.echo(f"note  {note}", err=True)
    with Bar() as bar:
        found = watch_cube(
            opened,
            train_until=epoch_day(train_until.date()),
            model=load_model((models or models_dir()) / "canopy-stress"),
            forest=None if forest is None else read_forest(forest, opened),
            progress=lambda share, note: bar.reached(round(100 * share), 100, note),
        )
    written = _write(found, out)
    written.append(_draw(opened, found, epoch_day(train_until.date()), out))
    counts = _count(found)
    if as_json:
        files = {path.stem: str(path) for path in written}
        typer.echo(json.dumps({**counts, "files": files, "notes": opened.notes}))
        return
    typer.echo(_told(opened, counts))
    for path in written:
        typer.echo(str(path))


def _write(found: "Found", out: Path) -> list[Path]:
    from agroforest.core.grid import Grid
    from agroforest.cube import write_cog

    out.mkdir(parents=True, exist_ok=True)
    height, width = found.probability.shape
    place = found.transform
    grid = Grid(
        crs=found.crs,
        left=place.c,
        top=place.f,
        resolution=place.a,
        width=width,
        height=height,
    )
    layers: dict[str, tuple[NDArray[Any], float | None]] = {
        "probability": (found.probability, float("nan")),
        "detected": (found.detected, None),
        "confirmed": (found.confirmed, None),
        "class": (found.kind, None),
    }
    written = []
    for name, (array, nodata) in layers.items():
        path = out / f"{name}.tif"
        write_cog(
            path,
            array,
            grid,
            nodata=nodata,
            scale=1.0,
            description=name,
            overviews="nearest" if nodata is None else "average",
            transform=place,
        )
        written.append(path)
    return written


def _draw(cube: "Cube", found: "Found", until: int, out: Path) -> Path:
    from agroforest.core.files import write_text
    from agroforest.maps.watched import Watched, draw_watched

    after = cube.days[cube.days > until]
    path = out / "map.svg"
    picture = draw_watched(
        Watched(
            probability=found.probability,
            detected=found.detected,
            kind=found.kind,
            crs=found.crs,
            transform=found.transform,
            first=int(after[0]),
            last=int(after[-1]),
        ),
        cube.path.name,
    )
    write_text(path, picture)
    return path


def _count(found: "Found") -> dict[str, int]:
    import numpy as np

    from agroforest.monitor import CODES

    counts = {"judged": int(np.isfinite(found.probability).sum())}
    return counts | {
        CODES[code]: int((found.kind == code).sum()) for code in CODES if code
    }


def _told(cube: "Cube", counts: dict[str, int]) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in counts.items() if kind != "judged")
    return f"{len(cube.days)} dates, {counts['judged']} pixels judged: {kinds}"

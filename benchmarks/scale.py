"""What a tile costs on this machine, and what a county, Guangxi and China would.

    python benchmarks/scale.py [--write docs/scale.md] [--json FILE]

Runs the tasks of a night on a full tile of 10 km at 10 m (made-up scenes, three
fifths of it forest), foretells them from a rehearsal on small windows, measures
what else grows with the area (catalogue, ledger, page, tasks on the wire), and
multiplies. With ``--write`` the tables between the markers of the page are
replaced. Nothing here is a measurement of Guangxi.
"""

import argparse
import json
import pickle
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import shapely
from projection import (  # type: ignore[import-not-found]  # beside it
    FOREST,
    SCENES,
    Measured,
    tables,
)

from agroforest.catalog import LocalCatalog
from agroforest.core.aoi import Aoi, Place, PlaceKind
from agroforest.core.config import BaselineSection, Pipeline
from agroforest.core.grid import Grid, Tile
from agroforest.core.scene import Asset, Granule, MaskKind, Scene, build_scene
from agroforest.nightly.forest import read_forest
from agroforest.nightly.judge import Judge, choose_judge
from agroforest.nightly.outlook.figures import Figures, Load
from agroforest.nightly.outlook.performer import Performer, folder_bytes
from agroforest.nightly.outlook.rehearsal import Troupe, rehearse
from agroforest.nightly.outlook.standin import make_scenes
from agroforest.nightly.outlook.survey import measure_volume
from agroforest.nightly.plan import TaskKind, TileTask, Watch
from agroforest.nightly.run import Silence
from agroforest.nightly.workplace import Workplace
from agroforest.store import RunRecord, TaskRecord, open_store


def main() -> None:
    """Measure, multiply, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", type=Path, help="page to bring up to date")
    options.add_argument("--json", type=Path)
    options.add_argument("--side", type=int, default=1000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="scale-") as scratch:
        found, figures = _measure(Path(scratch), chosen.side)
    text = tables(found, figures)
    print(text)
    if chosen.json:
        values = {n: getattr(found, n) for n in Measured.__dataclass_fields__}
        chosen.json.write_text(json.dumps(values, indent=1) + "\n")
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        marks = r"(<!-- figures -->\n).*?(<!-- end of figures -->)"
        if not re.search(marks, page, flags=re.DOTALL):
            raise SystemExit(f"{chosen.write} has no markers for figures")
        page = re.sub(
            marks, lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page, flags=re.DOTALL
        )
        chosen.write.write_text(page, encoding="utf-8")


# -------------------------------------------------------------- measuring


def _measure(scratch: Path, side: int) -> tuple[Measured, Figures]:
    grid = Grid(
        crs="EPSG:32649",
        left=300_000,
        top=2_540_000,
        resolution=10,
        width=side,
        height=side,
    )
    tile = Tile(id="49QCE-0003", grid=grid, area=shapely.box(*grid.bounds))
    west = Tile(
        id="f", grid=grid.patch(width=round(side * FOREST)), area=tile.area
    ).footprint()
    pipeline = Pipeline(
        name="scale",
        aoi=Path("none"),
        simulated=True,
        baseline=BaselineSection(start=date(2022, 1, 1), end=date(2023, 12, 31)),
    )
    judge = choose_judge(pipeline)
    watch = Watch(
        pipeline=pipeline,
        workplace=Workplace(root=scratch / "work", pipeline="scale"),
        tiles=(tile, tile),  # so that it is rehearsed for workers that share
        forest=west,
        ground="",
        model=judge.identity,
    )
    aoi = Aoi(
        source=Path("none"),
        area=tile.footprint(),
        places=(
            Place(
                id="1",
                kind=PlaceKind.COMPARTMENT,
                name_zh="林",
                name_en="stand",
                cover="",
                geometry=west,
            ),
        ),
    )
    troupe = Troupe(watch=watch, aoi=aoi, judge=judge, tile=tile, history=())
    figures = rehearse(troupe)
    scenes = make_scenes(pipeline, tile, scratch / "scenes", SCENES)
    costs = _run_tile(watch, judge, scenes)
    foretold = _foretell(figures, side)
    return (
        Measured(
            **costs,
            foretold=foretold,
            **_measure_catalogue(scratch),
            **_measure_ledger(scratch),
            **_measure_tasks(watch, scenes),
        ),
        figures,
    )


def _task(watch: Watch, kind: TaskKind, scenes: Sequence[Scene]) -> TileTask:
    return TileTask(
        id=f"{kind}-{len(scenes)}",
        kind=kind,
        tile=watch.tiles[0],
        night=max(s.date for s in scenes),
        scenes=tuple(scenes),
        baseline="0123456789abcdef",
        pipeline=watch.pipeline,
        workplace=watch.workplace,
        forest=watch.forest,
    )


def _run_tile(
    watch: Watch, judge: Judge, scenes: Sequence[Scene]
) -> dict[str, float | int]:
    """Learn the tile, then judge it on four nights of one scene each."""
    end = watch.pipeline.baseline.end
    learn = _task(watch, TaskKind.BASELINE, scenes)
    nights = [
        _task(
            watch, TaskKind.NIGHT, [_moved(scenes[n], end + timedelta(days=5 * n + 5))]
        )
        for n in range(4)
    ]
    with Performer(judge, Silence(), alone=False) as worker:
        for task in (learn, nights[0]):  # loads kernels and weights
            worker.perform(_corner(task))
        learned = worker.perform(learn)
        first, *later = [worker.perform(task) for task in nights]
    everything = _task(watch, TaskKind.NIGHT, scenes)
    return {
        "learn_wall_s": learned.wall_s,
        "learn_cpu_s": learned.cpu_s,
        "learn_memory": learned.memory,
        "open_cpu_s": first.cpu_s,
        "night_wall_s": median(n.wall_s for n in later),
        "night_cpu_s": median(n.cpu_s for n in later),
        "night_memory": max(n.memory for n in (first, *later)),
        "map_bytes": int(median(n.output_bytes() for n in later)),
        "state_bytes": folder_bytes(watch.workplace.state),
        "read_bytes": measure_volume(everything).expected(1.0) / len(scenes),
    }


def _corner(task: TileTask) -> TileTask:
    """Make a small task of the same kind, elsewhere."""
    grid = task.tile.grid.patch(width=64, height=64)
    place = Workplace(root=task.workplace.root / "corner", pipeline="scale")
    return task.patch(tile=replace(task.tile, grid=grid), workplace=place)


def _moved(scene: Scene, day: date) -> Scene:
    shift = day - scene.date
    return build_scene(
        tuple(
            g.patch(id=f"{g.id}-{day}", sensed=g.sensed + shift) for g in scene.granules
        )
    )


def _foretell(figures: Figures, side: int) -> dict[str, float]:
    """Say what a rehearsal on small windows says of the whole tile."""
    mpx = side * side / 1e6
    learn = Load(scenes=SCENES, mpx=mpx, forest_mpx=FOREST * mpx)
    night = Load(scenes=1, mpx=mpx, forest_mpx=FOREST * mpx)
    return {
        "learn_cpu_s": figures.baseline.cpu_s.at(learn),
        "open_cpu_s": figures.night.cpu_s.at(night)
        + figures.opening.cpu_s.at(replace(night, scenes=0)),
        "night_cpu_s": figures.night.cpu_s.at(night),
        "state_bytes": figures.state.at(FOREST * mpx, 16),
        "map_bytes": figures.night.output_bytes.at(night),
    }


def _measure_catalogue(scratch: Path, count: int = 400) -> dict[str, float]:
    """Seconds a search takes for each item in its window."""
    catalog = LocalCatalog(scratch / "catalog")
    catalog.add(_granule(n) for n in range(count))
    area = shapely.box(108.0, 22.0, 108.1, 22.1)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        found = catalog.find_granules(area, date(2024, 6, 1), date(2024, 6, 30))
        seconds.append(time.perf_counter() - began)
        assert len(found) == count
    return {"find_s": median(seconds) / count}


def _granule(number: int) -> Granule:
    names = ("B02", "B03", "B04", "B08", "B8A", "B11", "B12")
    assets = {
        n: Asset(href=f"/archive/{number}/{n}.tif", resolution=10, sha256="0" * 64)
        for n in (*names, "SCL")
    }
    return Granule(
        id=f"S2A_MSIL2A_20240601T031541_N0510_R018_T49QBF_{number:06d}",
        collection="sentinel-2-l2a",
        platform="sentinel-2a",
        place="49QBF",
        sensed=datetime(2024, 6, 1 + number % 30, 3, tzinfo=UTC),
        baseline="05.10",
        crs="EPSG:32649",
        footprint=shapely.box(107.5, 21.5, 108.6, 22.6),
        bands={n: a for n, a in assets.items() if n != "SCL"},
        mask=assets["SCL"],
        mask_kind=MaskKind.SCL,
    )


def _measure_ledger(scratch: Path, tiles: int = 500) -> dict[str, float]:
    """Record a night of many tiles, and ask what the next night's plan asks."""
    path = scratch / "ledger.db"
    files = 2 * (2 + 6)  # two indices and six layers of risk, each with its item
    tasks = [
        TaskRecord(
            id=f"{n:016x}",
            pipeline="scale",
            tile=f"t{n}",
            state=f"s{n}",
            night=date(2024, 6, 1),
            status="done",
            scenes=(f"{n:016x}",),
            outputs={f"scale/indices/t{n}/{k}.tif": "0" * 64 for k in range(files)},
            summary={"kind": "night", "days": ["2024-06-01"]},
        )
        for n in range(tiles)
    ]
    with open_store(path) as store:
        empty = path.stat().st_size
        began = time.perf_counter()
        run = RunRecord(
            pipeline="scale", night=date(2024, 6, 1), config_digest="0", status="done"
        )
        store.record_night(run=run, tasks=tasks)
        recorded = time.perf_counter() - began
        began = time.perf_counter()
        for task in tasks:
            store.find_task(task.id)
            store.scene_uses("scale", task.state)
        asked = time.perf_counter() - began
    return {
        "record_s": recorded / tiles,
        "ask_s": asked / tiles,
        "row_bytes": (path.stat().st_size - empty) / tiles,
    }


def _measure_tasks(watch: Watch, scenes: Sequence[Scene]) -> dict[str, float | int]:
    """Bytes of a task on its way to a worker, and of each compartment in it."""
    task = _task(watch, TaskKind.BASELINE, scenes)
    rng = np.random.default_rng(1)
    centres = rng.uniform(0.0, 1.0, (1000, 2))
    stands = shapely.union_all(
        [shapely.Point(*c).buffer(0.004, quad_segs=8) for c in centres]
    )
    whole = task.patch(forest=stands)
    alone = len(pickle.dumps(task.patch(forest=None)))
    began = time.perf_counter()
    read_forest(whole)
    return {
        "task_bytes": alone,
        "stand_bytes": (len(pickle.dumps(whole)) - alone) / 1000,
        "stand_s": (time.perf_counter() - began) / 1000,
    }


if __name__ == "__main__":
    main()

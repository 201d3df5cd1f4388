"""A cube of a real forest, watched with fewer bands and without masks.

    python benchmarks/cubes.py [--scenes DIR] [--write docs/models.md]

Lays the Sentinel-2 series of tile 31UFQ out as `agroforest monitor` takes it, leaves
bands or the cloud mask away, watches it from 2018-06-01 on, and says how well pixels
that changed until 2020 are told from pixels that did not (`real_nights.py` says what
that means; there is no ground truth). Four fifths of this forest were felled, so
average precision is told for pixels weighed as if one in twenty had changed, and one
row leaves most of what was felled out, as if it had never been forest. The published
rule stands beside it: the largest excess of CRSWIR that three successive dates share.
Intervals resample squares of 160 m. Ten seconds.
"""

import argparse
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pages import fill  # type: ignore[import-not-found]  # beside it
from real_nights import (  # type: ignore[import-not-found]  # beside it
    PIPELINE,
    SCENES,
    Change,
    find_change,
    table,
)

from agroforest.catalog import LocalCatalog, add_scenes, find
from agroforest.core.config import read_pipeline
from agroforest.core.risk import epoch_day
from agroforest.cube import read
from agroforest.indices.season import BANDS, SIGNALS
from agroforest.monitor import Cube, open_cube, watch_cube
from agroforest.monitor.watch import choose_pixels, find_medians, follow
from agroforest.nightly.workplace import Workplace
from agroforest.risk import Model, load_model, models_dir
from agroforest.risk.metrics import auroc, average_precision, interval
from agroforest.risk.rule import SUCCESSIVE

_UNTIL = date(2018, 5, 31)
_PREVALENCE = 0.05
_SQUARE = 8  # pixels a side
_CLEAR, _CLOUD = 4, 9
_FEW = 60  # changed pixels


class _Case(NamedTuple):
    """What a cube holds, and which of its pixels are watched."""

    bands: tuple[str, ...] = BANDS
    masked: bool = True  # from clouds
    forest: bool = True  # only
    few: bool = False  # of the changed pixels


_CASES: Mapping[str, _Case] = {
    "six bands": _Case(),
    "… without a mask of clouds": _Case(masked=False),
    "… without a mask of forest": _Case(forest=False),
    f"… with {_FEW} of the changed pixels": _Case(few=True),
    "without B12": _Case(BANDS[:5]),
    "without B11": _Case((*BANDS[:4], "B12")),
    "without B8A": _Case((*BANDS[:3], "B11", "B12")),
    "B02, B03, B04, B8A": _Case(BANDS[:4]),
    "B03, B04, B8A": _Case(BANDS[1:4]),
    "B04, B8A": _Case(BANDS[2:4]),
    "B02, B03, B04": _Case(BANDS[:3]),
}


class _Series(NamedTuple):
    """All dates of the tile: days, reflectance, and which pixels are clear."""

    days: NDArray[np.datetime64]
    bands: NDArray[np.float32]
    clear: NDArray[np.bool_]


def main() -> None:
    """Watch all cubes and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scenes", type=Path, default=SCENES)
    options.add_argument("--write", type=Path, help="page to bring up to date")
    chosen = options.parse_args()
    model = load_model(models_dir() / "canopy-stress")
    with TemporaryDirectory() as folder:
        change, series = _look(chosen.scenes, Path(folder))
        rows = []
        for number, (name, case) in enumerate(_CASES.items()):
            path = Path(folder) / f"{number}.nc"
            _lay_out(series, change, case.bands, path, masked=case.masked)
            rows.append(
                (name, *_measure(open_cube(path), _choose(change, case), model))
            )
    known = int((change.changed | change.unchanged).sum())
    head = ("the cube has", "AUROC", "AP at 5 %", "the rule's AP", "changed: found")
    text = table(rows, (*head, "unchanged: called disturbed"))
    text += f"\n{known} pixels of 20 m, {change.changed.sum() / known:.0%} changed."
    print(text)
    if chosen.write:
        fill(chosen.write, "cubes", text)


def _look(scenes: Path, work: Path) -> tuple[Change, _Series]:
    """Catalogue the scenes, find what changed and read all bands."""
    pipeline = read_pipeline(PIPELINE)
    place = Workplace(root=work, pipeline=pipeline.name)
    catalog = LocalCatalog(place.catalog)
    add_scenes([scenes], catalog)
    change = find_change(pipeline, place)
    days, bands, clear = [], [], []
    for scene in find(
        catalog, change.tile.footprint(), date(2015, 1, 1), date(2020, 12, 31)
    ):
        data = read(scene, change.tile.grid, BANDS, dilate_m=pipeline.mask.dilate_m)
        days.append(scene.date)
        bands.append(np.stack([data[band].values for band in BANDS]))
        clear.append(data["usable"].values)
    return change, _Series(
        np.array(days, "datetime64[ns]"), np.stack(bands), np.stack(clear)
    )


def _lay_out(
    series: _Series,
    change: Change,
    names: tuple[str, ...],
    path: Path,
    *,
    masked: bool,
) -> None:
    grid = change.tile.grid
    numbers = np.nan_to_num(series.bands * 10_000).round().astype(np.int16)
    axes = "time", "y", "x"
    layers = {name: (axes, numbers[:, BANDS.index(name)]) for name in names}
    if masked:
        layers["SCL"] = axes, np.where(series.clear, _CLEAR, _CLOUD).astype(np.int16)
    middle = np.arange(max(grid.shape)) + 0.5
    xr.Dataset(
        layers,
        coords={
            "time": series.days,
            "y": grid.top - grid.resolution * middle[: grid.height],
            "x": grid.left + grid.resolution * middle[: grid.width],
        },
        attrs={"crs": grid.crs},
    ).to_netcdf(path)


def _choose(change: Change, case: _Case) -> Change:
    """Change with the pixels that are watched as its forest."""
    if not case.forest:
        return change._replace(forest=np.ones_like(change.forest))
    if not case.few:
        return change
    at = np.flatnonzero(change.changed)
    kept = np.zeros(change.changed.size, bool)
    kept[at[np.arange(_FEW) * at.size // _FEW]] = True
    kept = kept.reshape(change.changed.shape)
    return change._replace(
        changed=kept, forest=change.forest & (kept | ~change.changed)
    )


def _measure(cube: Cube, change: Change, model: Model) -> tuple[str, ...]:
    until = epoch_day(_UNTIL)
    found = watch_cube(cube, train_until=until, model=model, forest=change.forest)
    asked = (change.changed | change.unchanged) & np.isfinite(found.probability)
    true, score = change.changed[asked], found.probability[asked]
    weight = np.where(true, _PREVALENCE / true.sum(), (1 - _PREVALENCE) / (~true).sum())
    row, column = np.nonzero(asked)
    _, square = np.unique(
        row // _SQUARE * 1000 + column // _SQUARE, return_inverse=True
    )
    squares = int(square.max()) + 1

    def told(statistic: str) -> str:
        def of(counts: NDArray[np.float64]) -> float:
            if statistic == "auroc":
                return auroc(true, score, counts[square])
            return average_precision(true, score, weight * counts[square])

        low, high = interval(squares, of)
        return f"{of(np.ones(squares)):.3f} [{low:.3f}, {high:.3f}]"

    excess = _rule(cube, change, until)[asked]
    rule = (
        f"{average_precision(true, excess, weight):.3f}"
        if np.isfinite(excess).all()
        else ""
    )
    detected = found.detected[asked] > 0
    shares = f"{detected[true].mean():.0%}", f"{detected[~true].mean():.0%}"
    return told("auroc"), told("ap"), rule, *shares


def _rule(cube: Cube, change: Change, until: int) -> NDArray[np.float32]:
    """Largest excess of CRSWIR that three successive dates share, ``(y, x)``."""
    pixels = choose_pixels(cube, until, change.forest)
    medians = find_medians(cube, *pixels, until)
    _, rest = follow(cube, pixels, until, medians)
    excess = np.full(cube.shape, np.nan, np.float32)
    for at, (day, value) in enumerate(
        zip(rest.day.T, rest.value[:, SIGNALS.index("CRSWIR")].T, strict=True)
    ):
        known = value[(day > until) & np.isfinite(value)]
        if known.size >= SUCCESSIVE:
            runs = np.lib.stride_tricks.sliding_window_view(known, SUCCESSIVE)
            excess[pixels[0][at], pixels[1][at]] = runs.min(axis=1).max()
    return excess


if __name__ == "__main__":
    main()

"""What a field survey brings: `canopy-damage` before and after learning on from one.

    python benchmarks/survey.py [--all] [--data DIR] [--work DIR] [--json FILE]

Nobody surveyed for us, so a survey is made up from real masks: points drawn among
damaged and clean pixels of one half of a region's places, each called by the mask
under its centre, seen on a random day of the season. A member that has never seen the
region is the model before; after learning on from the points, by the same code as
``agroforest model train canopy-damage --labels``, both judge the other half of the
region, every pixel of it. One region and 100 points of each kind take some minutes;
``--all`` makes the table of docs/survey.md. What is trained is kept in ``--work``.
"""

import argparse
import csv
import json
import os
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from agroforest.risk import ensemble, models_dir
from agroforest.risk.card import Model, save_model
from agroforest.risk.datasets.canopy_damage import read_scenes
from agroforest.risk.datasets.survey import CanopyRequest, collect_canopy
from agroforest.risk.finetune import finetune
from agroforest.risk.metrics import average_precision, f1
from agroforest.risk.scenes import Scenes
from agroforest.risk.tasks.canopy_damage import TASK

_ROOT = Path(__file__).resolve().parents[1]
# Of nine regions around the scenes' centres, the three with the most scenes.
_REGIONS, _CHOSEN = 9, 3
_SEASON_START, _SEASON_DAYS = date(2020, 8, 15), 60


def main() -> None:
    """Train, survey, learn on, judge, print."""
    options = argparse.ArgumentParser(description=__doc__)
    given = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(given))
    options.add_argument("--work", type=Path, default=Path("work/survey"))
    options.add_argument("--all", action="store_true")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    data = chosen.data / "pest_s2_patches"
    scenes = read_scenes(data)
    regions = _find_regions(scenes)[: None if chosen.all else 1]
    rows = []
    for number, region in enumerate(regions):
        base = _train_elsewhere(scenes, region, chosen.work / f"base-{number}")
        for size in (30, 100, 300) if chosen.all else (100,):
            for seed in range(2 if chosen.all else 1):
                row = _learn_on(scenes, region, base, data, chosen.work, size, seed)
                rows.append({"region": number, "points": size, "seed": seed, **row})
                sys.stdout.write(json.dumps(rows[-1]) + "\n")
                sys.stdout.flush()
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _find_regions(scenes: Scenes) -> list[NDArray[np.intp]]:
    """Scenes of each region, the largest region first."""
    centres = np.array(
        [
            ((b[0] + b[2]) / 2, (b[1] + b[3]) / 2)
            for b in (g.bounds for g in scenes.grid)
        ]
    )
    _, of = kmeans2(centres / 1e5, _REGIONS, seed=0, minit="++")
    regions = [np.flatnonzero(of == r) for r in np.unique(of)]
    return sorted(regions, key=lambda r: -r.size)[:_CHOSEN]


def _train_elsewhere(scenes: Scenes, region: NDArray[np.intp], out: Path) -> Model:
    """Model of one copy of each student that has not seen the region.

    The copy stands in for all folds, and temperatures and threshold are the shipped
    model's: what learning on brings is measured on other places anyway.
    """
    if (out / "card.toml").is_file():
        return ensemble.load(TASK, out)
    inside = set(scenes.place[region].tolist())
    others = np.flatnonzero([place not in inside for place in scenes.place])
    tensors: dict[str, NDArray[np.generic]] = {}
    for number, student in enumerate(TASK.students):
        learned = student.fit(scenes.take(others), seed=number, progress=_silent)
        for fold in range(TASK.folds):
            tensors |= {
                ensemble.name_copy(number, fold, n): a for n, a in learned.items()
            }
    card = ensemble.load(TASK, models_dir() / TASK.name).card
    return save_model(out, card, tensors)


def _learn_on(
    scenes: Scenes,
    region: NDArray[np.intp],
    base: Model,
    data: Path,
    work: Path,
    size: int,
    seed: int,
) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    places = rng.permutation(np.unique(scenes.place[region]))
    surveyed = set(places[: places.size // 2].tolist())
    mine = np.array([n for n in region if scenes.place[n] in surveyed])
    rest = np.array([n for n in region if scenes.place[n] not in surveyed])
    folder = _link(data, [scenes.name[n] for n in mine], work / f"scenes-{seed}")
    labels = _write_survey(scenes.take(mine), size, rng, work / "survey.csv")
    request = CanopyRequest(labels=labels, scenes=folder, prevalence=0.139)
    collection = collect_canopy(request)
    tuned = finetune(TASK, base, collection, work / "tuned", seed=seed)
    test = replace(scenes.take(rest), truth=None)
    truth = np.asarray(scenes.take(rest).target) > 0
    found: dict[str, object] = {}
    for name, model in (("before", base), ("after", tuned)):
        chance = ensemble.ask(TASK, model, test).value[:, 0]
        known = np.isfinite(chance)
        said = chance[known] >= ensemble.threshold_of(TASK, model)
        found[f"{name}_f1"] = round(f1(truth[known], said), 4)
        found[f"{name}_ap"] = round(average_precision(truth[known], chance[known]), 4)
    card = tuned.card
    assert card.fine_tuning is not None
    return found | {
        "verdict": card.fine_tuning.verdict,
        "said_gain": card.fine_tuning.comparisons[0].difference,
        "blocks": card.fine_tuning.blocks,
        "threshold": ensemble.threshold_of(TASK, tuned),
    }


def _link(data: Path, names: list[str], out: Path) -> Path:
    """Folder of some scenes, without their masks."""
    for year in ("2019", "2020"):
        (out / year).mkdir(parents=True, exist_ok=True)
        for old in (out / year).iterdir():
            old.unlink()
        for name in names:
            (out / year / f"{name}.tif").symlink_to(data / year / f"{name}.tif")
    return out


def _write_survey(
    scenes: Scenes, size: int, rng: np.random.Generator, out: Path
) -> Path:
    """Draw points of each kind and write them as surveyors would."""
    rows = []
    for status, kind in (("damaged", 1), ("clean", 0)):
        every = [
            (n, *at)
            for n, truth in enumerate(scenes.truth or ())
            for at in np.argwhere(truth == kind)
        ]
        for chosen in rng.choice(len(every), size, replace=False):
            n, row, column = every[chosen]
            grid = scenes.grid[n]
            x = grid.left + (column + 0.5) * grid.resolution
            y = grid.top - (row + 0.5) * grid.resolution
            move = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
            lon, lat = move.transform(x, y)
            day = _SEASON_START + timedelta(days=int(rng.integers(_SEASON_DAYS)))
            rows.append([f"{lon:.7f}", f"{lat:.7f}", status, day.isoformat()])
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["lon", "lat", "status", "date"])
        writer.writerows(rows)
    return out


def _silent(share: float, note: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    main()

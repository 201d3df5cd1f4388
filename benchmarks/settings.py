"""What the figures of the labelled models are worth: settings chosen elsewhere.

    python benchmarks/settings.py [--data DIR] [--work DIR] [--only MODEL ...]
                                  [--write docs/models.md] [--json FILE]

Settings of the models were chosen among many on the answers by which the models are
judged. Here those that can still be tried are tried again, every fold of the places is
judged with the settings and the threshold that are best on the other folds, and plain
trees beside it with a threshold chosen there too. With ``--write`` the table between
the markers of the page is replaced. New copies learn where settings ask for it: about
an hour on two cores. What they say is kept in ``--work``, if given, and not asked
again: empty it when the program changes.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pages import fill  # type: ignore[import-not-found]  # beside it
from tried import (  # type: ignore[import-not-found]  # beside it
    SHIPPED,
    TRIED,
    Bench,
)

from agroforest.risk import ensemble as ensembles
from agroforest.risk import models_dir
from agroforest.risk.baseline import parts_of
from agroforest.risk.measure import over_places
from agroforest.risk.metrics import interval
from agroforest.risk.selection import Candidate, Elsewhere, choose_elsewhere
from agroforest.risk.task import Statistic
from agroforest.risk.tasks import find_task
from agroforest.risk.tasks.baselines import find_baseline

_ROOT = Path(__file__).resolve().parents[1]
_AT_ONCE = 2  # each takes up to 2 GB
#: Where its labels lie, and what is to be high.
_MODELS = {
    "canopy-damage": ("pest_s2_patches", "f1"),
    "disturbance-cause": ("disturbance_landsat_series", "macro_f1"),
    "burned-area": ("burned_area_s2", "iou"),
    "fuel-moisture": ("fuel_moisture", "r2"),
    "fire-occurrence": ("fire_points_thailand", "auroc"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found of one model.

    Attributes
    ----------
    metric
        Which of its metrics.
    candidates
        Settings that were tried.
    shipped, best, best_name
        With its threshold chosen where it is measured: what ships, and the best.
    threshold
        What ships, with nothing but the threshold chosen elsewhere.
    elsewhere
        With everything chosen elsewhere: value and 95 % interval.
    chosen
        What was chosen, fold by fold.
    plain
        Plain trees, threshold chosen elsewhere.
    gain
        How much more than they, and 95 % interval; places resampled, the same for both.
    """

    metric: str
    candidates: int
    shipped: float
    best: float
    best_name: str
    threshold: float
    elsewhere: tuple[float, float, float]
    chosen: tuple[str, ...]
    plain: float
    gain: tuple[float, float, float]


def main() -> None:
    """Try, choose, print."""
    options = argparse.ArgumentParser(description=__doc__)
    given = os.environ.get("AGROFOREST_DATA", _ROOT.parent / "shared" / "data")
    options.add_argument("--data", type=Path, default=Path(given))
    options.add_argument("--work", type=Path, help="folder for what copies say")
    options.add_argument("--only", nargs="*", default=(), choices=tuple(_MODELS))
    options.add_argument("--write", type=Path, help="page to bring up to date")
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    names = [n for n in _MODELS if not chosen.only or n in chosen.only]
    with (
        TemporaryDirectory() as passing,
        ProcessPoolExecutor(_AT_ONCE, mp_context=get_context("spawn")) as pool,
    ):
        work = chosen.work or Path(passing)
        every = pool.map(_find, names, repeat(chosen.data), repeat(work))
        found = dict(zip(names, every, strict=True))
    table = _tell(found)
    sys.stdout.write(table + "\n")
    for name, one in found.items():
        print(f"{name}: best {one.best_name}; chosen {' | '.join(one.chosen)}")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        content = {name: asdict(one) for name, one in found.items()}
        chosen.json.write_text(json.dumps(content, indent=1) + "\n")
    if chosen.write:
        fill(chosen.write, "settings", table)


def _find(name: str, data: Path, work: Path) -> Found:
    folder, metric = _MODELS[name]
    task = find_task(name)
    model = ensembles.load(task, models_dir() / name)
    samples = task.read(data / folder)
    part = parts_of(model, samples.place)
    bench = Bench(task=task, model=model, samples=samples, part=part, kept=work)
    shipped: list[Candidate[Any]] = []

    def watched() -> Iterator[Candidate[Any]]:
        for one in TRIED[name](bench):
            if one.name == SHIPPED:
                shipped.append(one)
            yield one

    every = choose_elsewhere(watched(), samples, part, metric)
    alone = choose_elsewhere(shipped, samples, part, metric)
    baseline = find_baseline(name)
    plain = Candidate(
        name=baseline.name,
        task=replace(task, students=[baseline.student], finish=None, prior_weight=None),
        said=[bench.teach(0, baseline.student, baseline.name)[1]],
    )
    theirs = choose_elsewhere([plain], samples, part, metric)
    ours = _statistic(task, samples, every, metric)
    beside = _statistic(plain.task, samples, theirs, metric)
    best = max(every.together, key=lambda one: every.together[one])
    return Found(
        metric=metric,
        candidates=len(every.together),
        shipped=round(every.together[SHIPPED], 4),
        best=round(every.together[best], 4),
        best_name=best,
        threshold=_value(_statistic(task, samples, alone, metric), samples)[0],
        elsewhere=_value(ours, samples),
        chosen=every.chosen,
        plain=_value(beside, samples)[0],
        gain=_value(lambda counts: ours(counts) - beside(counts), samples),
    )


def _statistic(task: Any, samples: Any, found: Elsewhere, metric: str) -> Statistic:  # noqa: ANN401
    """Statistic of how often each place counts."""
    measured = task.measures(samples, found.answers, found.threshold)[metric]
    return over_places(measured, samples)


def _value(statistic: Statistic, samples: Any) -> tuple[float, float, float]:  # noqa: ANN401
    places = len(np.unique(samples.place))
    low, high = interval(places, statistic)
    return tuple(round(v, 4) for v in (statistic(np.ones(places)), low, high))  # type: ignore[return-value]


def _tell(found: dict[str, Found]) -> str:
    columns = (
        "model",
        "settings tried again",
        "what ships",
        "best of them",
        "what ships, threshold chosen elsewhere",
        "all chosen elsewhere",
        "plain trees, threshold chosen elsewhere",
        "more than that",
    )
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, one in found.items():
        cells = (
            f"`{name}`, {one.metric}",
            str(one.candidates),
            _short(one.shipped),
            _short(one.best),
            _short(one.threshold),
            _between(one.elsewhere),
            _short(one.plain),
            _between(one.gain, signed=True),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _between(value: Sequence[float], *, signed: bool = False) -> str:
    said, low, high = (_short(one, signed=signed) for one in value)
    return f"{said} [{low}, {high}]"


def _short(value: float, *, signed: bool = False) -> str:
    return f"{value:{'+' if signed else ''}.3f}".replace("0.", ".")


if __name__ == "__main__":
    main()

"""What a whole series amounts to: old and new evidence, on simulated forests.

    python benchmarks/evidence.py [--forests 60] [--write docs/models.md]

Forests are watched as `agroforest monitor` watches a cube. Fits the two numbers that
make evidence a probability on forests of seeds that nothing else uses, and says of
the card's held-out forests how well disturbed pixels are told from healthy ones by
the highest mean of three dates and by `agroforest.risk.persistence`, kind by kind,
and whether its probability is calibrated. Disturbed is what befell a pixel two months
before the end or earlier. Intervals resample forests. Half a minute.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pages import fill  # type: ignore[import-not-found]  # beside it
from real_nights import table  # type: ignore[import-not-found]  # beside it
from scipy.optimize import minimize

from agroforest.indices import baseline
from agroforest.risk import Model, load_model, models_dir
from agroforest.risk.datasets.canopy_stress import TEST_SEED, follow
from agroforest.risk.infer import classify
from agroforest.risk.metrics import average_precision, calibration_error, interval
from agroforest.risk.persistence import find_evidence, find_probability
from agroforest.risk.series import build_block, follow_series
from agroforest.risk.simulate import Emulator, build_forest
from agroforest.risk.simulate.events import Kind

_FIT_SEED = 3_000_000
_SETTLED = 60  # days between an event and the end
_DATES = 3  # of the evidence that is compared


class _Pixels(NamedTuple):
    """Pixels of forests: what befell them, and what was said; ``(n,)`` each."""

    kind: NDArray[np.int8]
    three: NDArray[np.float64]
    evidence: NDArray[np.float64]
    probability: NDArray[np.float32]
    place: NDArray[np.int64]

    @property
    def disturbed(self) -> NDArray[np.bool_]:
        return np.asarray(self.kind != Kind.NONE)


def main() -> None:
    """Fit on some forests, measure on others."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--forests", type=int, default=60)
    options.add_argument("--write", type=Path, help="page to bring up to date")
    chosen = options.parse_args()
    model = load_model(models_dir() / "canopy-stress")
    learned = _watch(model, range(_FIT_SEED, _FIT_SEED + chosen.forests))
    intercept, slope = _fit(learned)
    held = _watch(model, range(TEST_SEED, TEST_SEED + chosen.forests))
    rows = [_compare(held, name, kinds) for name, kinds in _kinds().items()]
    head = ("disturbed by", "prevalence", f"AP, highest mean of {_DATES} dates")
    text = table(rows, (*head, "AP, what lasts and what is gone"))
    reliability = table(_reliability(held), ("probability", "pixels", "mean", "true"))
    error = calibration_error(held.disturbed, held.probability, np.ones(held.kind.size))
    text += f"\n{reliability}\nCalibration error {error:.3f}. The curve, fitted on "
    text += f"other forests: {intercept:.2f} and {slope:.2f} times the evidence."
    print(text)
    if chosen.write:
        fill(chosen.write, "evidence", text)


def _kinds() -> dict[str, Sequence[Kind]]:
    every = [kind for kind in Kind if kind != Kind.NONE]
    return {"any": every, **{kind.name.lower(): [kind] for kind in every}}


def _watch(model: Model, seeds: range) -> _Pixels:
    emulator = Emulator.shipped()
    parts = [_one(model, emulator, seed) for seed in seeds]
    return _Pixels(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _one(model: Model, emulator: Emulator, seed: int) -> _Pixels:
    """Watch one forest; pixels too lately disturbed or never judged are left out."""
    forest = build_forest(emulator, seed)
    *_, (_, last) = follow(forest)
    medians = dict(zip(last.scene_day.tolist(), last.scene_median, strict=True))
    takes = [
        (int(day), bands, usable, str(number))
        for number, (day, bands, usable) in enumerate(
            zip(forest.day, forest.bands, forest.usable, strict=True)
        )
    ]
    after = int(np.searchsorted(forest.day, forest.history, side="right"))
    state = baseline.fit(
        takes[:after],
        forest.grid,
        forest=np.ones(forest.grid.shape, bool),
        scene_medians={day: row.tolist() for day, row in medians.items()},
    )
    later = np.where(forest.usable[:, None], forest.bands, np.nan)[after:, :, 0]
    rest = follow_series(state, forest.day[after:], later, medians)
    block = build_block(state, rest)
    chance = classify(model, block)
    said = chance[:, 1], chance[:, 2], block.judged
    kind, onset = forest.events.kind, forest.events.onset
    settled = (kind == Kind.NONE) | (onset < int(forest.day[-1]) - _SETTLED)
    asked = block.judged.any(axis=0) & settled
    return _Pixels(
        kind=kind[asked],
        three=_highest_mean(1 - chance[:, 0], block.judged)[asked],
        evidence=find_evidence(*said)[asked],
        probability=find_probability(*said)[asked],
        place=np.full(int(asked.sum()), seed),
    )


def _highest_mean(
    unwell: NDArray[np.floating], judged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Highest mean of three successive dates, ``(n,)``."""
    order = np.argsort(judged, axis=0, kind="stable")
    dates = np.take_along_axis(np.where(judged, unwell, 0.0), order, axis=0)
    total = np.cumsum(np.concatenate([np.zeros_like(dates[:1]), dates]), axis=0)
    width = min(_DATES, len(dates))
    return np.asarray((total[width:] - total[:-width]).max(axis=0) / width)


def _fit(pixels: _Pixels) -> tuple[float, float]:
    """Intercept and slope of the logistic curve that fits best."""

    def loss(curve: NDArray[np.float64]) -> float:
        z = curve[0] + curve[1] * pixels.evidence
        return float(np.mean(np.logaddexp(0, z) - pixels.disturbed * z))

    intercept, slope = minimize(loss, np.array([-3.0, 10.0]), method="BFGS").x
    return float(intercept), float(slope)


def _compare(pixels: _Pixels, name: str, kinds: Sequence[Kind]) -> tuple[str, ...]:
    kept = ~pixels.disturbed | np.isin(pixels.kind, kinds)
    true = pixels.disturbed[kept]
    _, place = np.unique(pixels.place[kept], return_inverse=True)

    def told(score: NDArray[np.floating]) -> str:
        def precision(counts: NDArray[np.float64]) -> float:
            return average_precision(true, score[kept], counts[place])

        low, high = interval(int(place.max()) + 1, precision)
        value = precision(np.ones(int(place.max()) + 1))
        return f"{value:.3f} [{low:.3f}, {high:.3f}]"

    return name, f"{true.mean():.3f}", told(pixels.three), told(pixels.evidence)


def _reliability(pixels: _Pixels) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for low in np.arange(0, 1, 0.1):
        inside = (pixels.probability >= low) & (pixels.probability < low + 0.1)
        if inside.any():
            mean, true = pixels.probability[inside].mean(), pixels.disturbed[inside]
            count = str(inside.sum())
            rows.append((f"{low:.1f}", count, f"{mean:.2f}", f"{true.mean():.2f}"))
    return rows


if __name__ == "__main__":
    main()

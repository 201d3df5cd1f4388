"""Simulated forests watched with fewer bands, where the truth is known.

    python benchmarks/fewer_bands.py [--forests 60] [--write docs/models.md]

The forests are those of the card of ``canopy-stress``, held out by seed, and every one
is seen with the bands that the row names (the card's own lack bands by lot). The
threshold is the card's, chosen on forests most of which have six bands. The published
rule needs B8A, B11 and B12. Intervals resample forests. Three minutes on two cores.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from pages import fill  # type: ignore[import-not-found]  # beside it
from real_nights import table  # type: ignore[import-not-found]  # beside it

from agroforest.indices.season import BANDS
from agroforest.risk import load_model, models_dir
from agroforest.risk.card import Metric
from agroforest.risk.watched import TEST_FORESTS, evaluate_canopy_stress

_AT_ONCE = 2
_CASES: Mapping[str, tuple[str, ...]] = {
    "six bands": BANDS,
    "without B12": BANDS[:5],
    "without B11": (*BANDS[:4], "B12"),
    "without B8A": (*BANDS[:3], "B11", "B12"),
    "B02, B03, B04, B8A": BANDS[:4],
    "B04, B8A": BANDS[2:4],
    "B02, B03, B04": BANDS[:3],
}
_CONTINUUM = {"B8A", "B11", "B12"}


def main() -> None:
    """Watch all forests with all sets of bands and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--forests", type=int, default=TEST_FORESTS)
    options.add_argument("--write", type=Path, help="page to bring up to date")
    chosen = options.parse_args()
    with ProcessPoolExecutor(_AT_ONCE, mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(_measure, _CASES, repeat(chosen.forests)))
    head = ("the satellite sees", "AP", "the rule's AP")
    text = table(
        rows, (*head, "false alarms a healthy pixel and year", "diebacks found")
    )
    print(text)
    if chosen.write:
        fill(chosen.write, "fewer bands", text)


def _measure(case: str, forests: int) -> tuple[str, ...]:
    bands = _CASES[case]
    model = load_model(models_dir() / "canopy-stress")
    metrics = evaluate_canopy_stress(model, forests=forests, bands=bands)
    found = {metric.name: metric for metric in metrics}
    rule = set(bands) >= _CONTINUUM
    return (
        case,
        _told(found["ap_disturbed"], 3),
        f"{found['ap_disturbed_rule'].value:.3f}" if rule else "",
        _told(found["false_alarms_per_healthy_pixel_year"], 4),
        _told(found["dieback_found"], 2),
    )


def _told(metric: Metric, digits: int) -> str:
    low, high = (f"{end:.{digits}f}" for end in (metric.low, metric.high))
    return f"{metric.value:.{digits}f} [{low}, {high}]"


if __name__ == "__main__":
    main()

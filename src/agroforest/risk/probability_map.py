"""Probabilities of scenes: as files, and beside the truth."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.files import write_text
from agroforest.cube.write import write_cog
from agroforest.risk.metrics import average_precision, f1, overlap
from agroforest.risk.scenes import Scenes
from agroforest.risk.task import Answers, Statistic

#: File with the threshold beside the maps.
THRESHOLD_NAME = "threshold.json"


def write_maps(
    out: Path, samples: Scenes, answers: Answers, threshold: float
) -> Sequence[Path]:
    """Write a map of every scene on its grid, and the threshold.

    Parameters
    ----------
    out
        Folder; made if it is not there.
    samples
        The scenes.
    answers
        To them.
    threshold
        Probability that counts as detected, for ``threshold.json``.

    Returns
    -------
    sequence of Path
        ``<scene>.tif``, float32 probability, NaN where nothing can be said; then
        ``threshold.json``.
    """
    written = []
    maps = samples.split(answers.value[:, 0])
    for name, grid, chance in zip(samples.name, samples.grid, maps, strict=True):
        path = out / f"{name}.tif"
        # DEFLATE rather than ZSTD: people open these in whatever they have.
        write_cog(
            path,
            chance,
            grid,
            nodata=float("nan"),
            scale=1.0,
            description="probability",
            codec="deflate",
        )
        written.append(path)
    written.append(out / THRESHOLD_NAME)
    write_text(written[-1], json.dumps({"threshold": threshold}) + "\n")
    return written


def count_pixels(
    samples: Scenes, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    """Make the statistics of pixels, pooled over scenes.

    Parameters
    ----------
    samples
        With truth.
    answers
        To them.
    threshold
        Probability that counts as detected.

    Returns
    -------
    Mapping
        ``f1`` and ``iou`` at the threshold, ``average precision``.
    """
    target = samples.target
    if target is None:
        raise ValueError("no truth to count against")
    chance = answers.value[:, 0]
    known = np.flatnonzero(np.isfinite(target) & np.isfinite(chance))
    # Sorted once: every statistic is asked for hundreds of times.
    falling = known[np.argsort(-chance[known], kind="stable")]
    truth, score = target[falling] > 0, chance[falling]
    said = score >= threshold

    def over(
        statistic: Statistic,
    ) -> Statistic:
        return lambda counts: statistic(counts[falling])

    def score_f1(counts: NDArray[np.float64]) -> float:
        return f1(truth, said, counts)

    def score_overlap(counts: NDArray[np.float64]) -> float:
        return overlap(truth, said, counts)

    def score_ranking(counts: NDArray[np.float64]) -> float:
        return average_precision(truth, score, counts)

    return {
        "f1": over(score_f1),
        "iou": over(score_overlap),
        "average precision": over(score_ranking),
    }

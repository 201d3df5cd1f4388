"""Simulated forests watched night by night, by the model and by the rule."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.features import series
from agroforest.indices.baseline import BaselineState
from agroforest.indices.season import YEAR_DAYS
from agroforest.risk import rule
from agroforest.risk.card import Model
from agroforest.risk.datasets.canopy_stress import follow
from agroforest.risk.evidence import last_of, lowest_of
from agroforest.risk.infer import classify
from agroforest.risk.simulate import Emulator, Forest, build_forest
from agroforest.risk.simulate.events import NEVER, Kind

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Replay:
    """One forest: every clear observation after its history.

    Arrays are ``(m,)``, one element an observation, in order of date.

    Attributes
    ----------
    pixel, day, label
        Which pixel, when (epoch day), and what it was (see `events.label`).
    unwell, gone
        Probability that the canopy is not healthy, and that it is gone.
    unwell_twice
        Lowest probability of "not healthy" on the last ``confirmations``
        observations: where it reaches the threshold there is a detection.
    rule_score
        Lowest excess of CRSWIR on the last three dates: the rule detects above
        0.16.
    rule_detects
        bool, the rule reports stress or loss.
    rule_bare
        Share of bare votes among the last three.
    kind, onset
        ``(pixels,)``: what befell each pixel, and when.
    years
        ``(pixels,)`` float, years watched.
    """

    pixel: NDArray[np.intp]
    day: NDArray[np.int32]
    label: NDArray[np.int8]
    unwell: Floats
    gone: Floats
    unwell_twice: Floats
    rule_score: Floats
    rule_detects: NDArray[np.bool_]
    rule_bare: Floats
    kind: NDArray[np.int8]
    onset: Floats
    years: Floats


def replay(
    model: Model,
    emulator: Emulator,
    seeds: range,
    pixels: int = 160,
    *,
    bands: Collection[str] | None = None,
) -> Iterator[Replay]:
    """Watch one forest a seed with the code that judges real ones."""
    for seed in seeds:
        forest = build_forest(emulator, seed, pixels, bands=bands)
        nights = [_night(model, state, day) for day, state in follow(forest)]
        yield _join(forest, [night for night in nights if night["pixel"].size])


def _night(model: Model, state: BaselineState, night: int) -> dict[str, NDArray[Any]]:
    """Collect what is said of the pixels that were clear on this very day."""
    block = series.build(state, night=night)
    chance = classify(model, block)
    judged = block.judged
    fresh = judged.any(axis=0) & (state.ring_day[-1].ravel() == night)
    needed = model.card.calibration.confirmations
    votes = rule.cast_votes(state, night)
    stress, loss = rule.judge(state, night)
    columns = {
        "pixel": np.arange(fresh.size),
        "day": np.full(fresh.size, night, dtype=np.int32),
        "unwell": last_of(1 - chance[:, 0], judged),
        "gone": last_of(chance[:, 2], judged),
        "unwell_twice": lowest_of(1 - chance[:, 0], judged, needed),
        "rule_score": lowest_of(votes.excess, votes.judged, rule.SUCCESSIVE),
        "rule_detects": (stress.since > 0) | (loss.since > 0),
        "rule_bare": np.nan_to_num(loss.score),
    }
    return {name: column[fresh] for name, column in columns.items()}


def _join(forest: Forest, nights: list[dict[str, NDArray[Any]]]) -> Replay:
    joined = {name: np.concatenate([n[name] for n in nights]) for name in nights[0]}
    scene = np.searchsorted(forest.day, joined["day"])
    onset = np.where(forest.events.kind == Kind.NONE, NEVER, forest.events.onset)
    watched = (int(forest.day[-1]) - forest.history) / YEAR_DAYS
    return Replay(
        label=forest.label[scene, joined["pixel"]],
        kind=forest.events.kind,
        onset=onset,
        years=np.full(onset.size, watched, dtype=np.float32),
        **joined,
    )

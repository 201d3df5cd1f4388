"""How good a canopy-stress model is on forests it has never seen."""

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.card import DISTURBED, Metric, Model
from agroforest.risk.datasets.canopy_stress import TEST_SEED
from agroforest.risk.metrics import average_precision, calibration_error, interval
from agroforest.risk.replay import Replay, replay
from agroforest.risk.simulate import Emulator
from agroforest.risk.simulate.events import GONE, HEALTHY, UNCLEAR, Kind

#: Forests of the test; the seeds from `TEST_SEED` on.
TEST_FORESTS = 60
_ON = "simulated forests held out by seed"
# A dieback counts as missed only after it was watched for so many days.
_PATIENCE = 180
Bools = NDArray[np.bool_]
#: How often each forest counts, in; the statistic, out.
Statistic = Callable[[NDArray[np.float64]], float]


def evaluate_canopy_stress(
    model: Model,
    *,
    forests: int = TEST_FORESTS,
    first_seed: int = TEST_SEED,
    bands: Collection[str] | None = None,
) -> tuple[Metric, ...]:
    """Watch held-out simulated forests with a model and with the rule.

    Parameters
    ----------
    model
        A canopy-stress model.
    forests
        How many.
    first_seed
        Of the first; never one that was trained on.
    bands
        Those that the satellite sees; each forest's own unless given.

    Returns
    -------
    tuple of Metric
        Average precision of disturbance and of loss beside the rule's (its
        score is the lowest excess of CRSWIR on the last three dates, and the
        share of bare dates), calibration error, false alarms a healthy pixel and
        year, and share and delay of the diebacks that were found, among those
        that began after the history and were watched for half a year; without what
        nothing decides. Intervals resample forests.
    """
    seeds = range(first_seed, first_seed + forests)
    return summarise(model, list(replay(model, Emulator.shipped(), seeds, bands=bands)))


def summarise(model: Model, watched: Sequence[Replay]) -> tuple[Metric, ...]:
    """Metrics of replays, see `evaluate_canopy_stress`."""
    limit = model.card.calibration.thresholds[DISTURBED]
    detections = {
        "": [r.unwell_twice >= limit for r in watched],
        "_rule": [r.rule_detects for r in watched],
    }
    unwell, gone = [r.unwell for r in watched], [r.gone for r in watched]
    statistics = {
        "ap_disturbed": _score(watched, _disturbed, unwell, average_precision),
        "ap_disturbed_rule": _score(
            watched, _disturbed, [r.rule_score for r in watched], average_precision
        ),
        "ap_loss": _score(watched, _lost, gone, average_precision),
        "ap_loss_rule": _score(
            watched, _lost, [r.rule_bare for r in watched], average_precision
        ),
        "ece_disturbed": _score(watched, _disturbed, unwell, calibration_error),
        "ece_loss": _score(watched, _lost, gone, calibration_error),
    }
    for who, detected in detections.items():
        statistics[f"false_alarms_per_healthy_pixel_year{who}"] = _alarms(
            watched, detected
        )
        delays = _delays(watched, detected)
        statistics[f"dieback_found{who}"] = _found(delays)
        statistics[f"dieback_delay_days{who}"] = _median(delays)
    once = np.ones(len(watched))
    metrics = []
    for name, statistic in statistics.items():
        value = statistic(once)
        if math.isnan(value):  # such as the delay of a rule that lacks its bands
            continue
        low, high = interval(len(watched), statistic)
        asked = _lost if "loss" in name else _disturbed
        scored = name.startswith(("ap_", "ece_"))
        metrics.append(
            Metric(
                name=name,
                on=_ON,
                value=round(value, 4),
                low=round(low, 4),
                high=round(high, 4),
                prevalence=_prevalence(watched, asked) if scored else None,
            )
        )
    return tuple(metrics)


def alarms_per_year(
    watched: Sequence[Replay], detect: Callable[[Replay], Bools]
) -> float:
    """Healthy pixels with any detection, a pixel-year watched."""
    return _alarms(watched, [detect(r) for r in watched])(np.ones(len(watched)))


def _disturbed(r: Replay) -> Bools:
    return np.asarray(r.label != HEALTHY)


def _lost(r: Replay) -> Bools:
    return np.asarray(r.label == GONE)


def _prevalence(watched: Sequence[Replay], truth: Callable[[Replay], Bools]) -> float:
    asked = np.concatenate([truth(r)[r.label != UNCLEAR] for r in watched])
    return round(float(asked.mean()), 4)


def _score(
    watched: Sequence[Replay],
    truth: Callable[[Replay], Bools],
    scores: Sequence[NDArray[np.float32]],
    statistic: Callable[[Bools, NDArray[np.float32], NDArray[np.float64]], float],
) -> Statistic:
    """Statistic of all clear labels; sorted once, for many resamples."""
    asked = [r.label != UNCLEAR for r in watched]
    true = np.concatenate([truth(r)[a] for r, a in zip(watched, asked, strict=True)])
    score = np.concatenate([s[a] for s, a in zip(scores, asked, strict=True)])
    place = np.repeat(np.arange(len(watched)), [int(a.sum()) for a in asked])
    order = np.argsort(-score, kind="stable")
    true, score, place = true[order], score[order], place[order]
    return lambda counts: statistic(true, score, counts[place])


def _first_alarms(r: Replay, detected: Bools) -> NDArray[np.float64]:
    """Day of each pixel's first detection, ``(pixels,)``; infinite for none."""
    first = np.full(r.kind.size, np.inf)
    np.minimum.at(first, r.pixel[detected], r.day[detected].astype(np.float64))
    return first


def _alarms(watched: Sequence[Replay], detected: Sequence[Bools]) -> Statistic:
    healthy = [r.kind == Kind.NONE for r in watched]
    years = np.array([r.years[h].sum() for r, h in zip(watched, healthy, strict=True)])
    alarms = np.array(
        [
            np.isfinite(_first_alarms(r, d))[h].sum()
            for r, d, h in zip(watched, detected, healthy, strict=True)
        ]
    )
    return lambda counts: float(alarms @ counts / (years @ counts))


def _delays(
    watched: Sequence[Replay], detected: Sequence[Bools]
) -> list[NDArray[np.float64]]:
    """Days from onset to detection of every dieback, forest by forest."""
    delays = []
    for r, found in zip(watched, detected, strict=True):
        # A detection before the onset is a false alarm, not a find.
        late = found & (r.day >= r.onset[r.pixel])
        begin, end = int(r.day.min()), int(r.day.max())
        watchable = (r.kind == Kind.DIEBACK) & (r.onset >= begin)
        watchable &= r.onset <= end - _PATIENCE
        delays.append((_first_alarms(r, late) - r.onset)[watchable])
    return delays


def _found(delays: Sequence[NDArray[np.float64]]) -> Statistic:
    found = np.array([np.isfinite(d).sum() for d in delays], dtype=np.float64)
    total = np.array([d.size for d in delays], dtype=np.float64)

    def share(counts: NDArray[np.float64]) -> float:
        events = float(total @ counts)
        return float(found @ counts) / events if events else float("nan")

    return share


def _median(delays: Sequence[NDArray[np.float64]]) -> Statistic:
    def median(counts: NDArray[np.float64]) -> float:
        repeated = [np.tile(d, int(c)) for d, c in zip(delays, counts, strict=True)]
        every = np.concatenate(repeated)
        found = every[np.isfinite(every)]
        return float(np.median(found)) if found.size else float("nan")

    return median

"""How good a canopy-stress model is on forests it has never seen."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.card import Metric, Model
from agroforest.risk.datasets.canopy_stress import TEST_SEED
from agroforest.risk.metrics import average_precision, calibration_error, interval
from agroforest.risk.replay import Replay, replay
from agroforest.risk.simulate import Emulator
from agroforest.risk.simulate.events import GONE, HEALTHY, UNCLEAR, Kind

#: Forests of the test; the seeds from `TEST_SEED` on.
TEST_FORESTS = 60
_ON = "simulated forests held out by seed"
Bools = NDArray[np.bool_]


def evaluate_canopy_stress(
    model: Model, *, forests: int = TEST_FORESTS, first_seed: int = TEST_SEED
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

    Returns
    -------
    tuple of Metric
        Average precision of disturbance and of loss beside the rule's,
        calibration error, false alarms a healthy pixel and year, and share and
        delay of the diebacks that were found, among those that began after the
        history and were watched for half a year. Intervals resample forests.
    """
    seeds = range(first_seed, first_seed + forests)
    return summarise(model, list(replay(model, Emulator.shipped(), seeds)))


def summarise(model: Model, replays: Sequence[Replay]) -> tuple[Metric, ...]:
    """Metrics of replays, see `evaluate_canopy_stress`."""
    limits = model.card.calibration.thresholds
    stress, loss = limits["canopy-stress"], limits["canopy-loss"]

    def by_model(r: Replay) -> Bools:
        return (r.stressed_twice >= stress) | (r.gone_twice >= loss)

    def by_rule(r: Replay) -> Bools:
        return r.rule_detects

    found: list[Metric] = []
    for name, statistic, prevalence in (
        ("ap_disturbed", _ap(_disturbed, lambda r: r.unwell), _disturbed),
        ("ap_disturbed_rule", _ap(_disturbed, lambda r: r.rule_score), _disturbed),
        ("ap_loss", _ap(_lost, lambda r: r.gone), _lost),
        ("ap_loss_rule", _ap(_lost, lambda r: r.rule_bare), _lost),
        ("ece_disturbed", _ece(_disturbed, lambda r: r.unwell), _disturbed),
        ("ece_loss", _ece(_lost, lambda r: r.gone), _lost),
        ("false_alarms_per_healthy_pixel_year", _false(by_model), None),
        ("false_alarms_per_healthy_pixel_year_rule", _false(by_rule), None),
        ("dieback_found", _found(by_model), None),
        ("dieback_found_rule", _found(by_rule), None),
        ("dieback_delay_days", _delay(by_model), None),
        ("dieback_delay_days_rule", _delay(by_rule), None),
    ):
        low, high = interval(len(replays), partial(_resampled, statistic, replays))
        truth = None if prevalence is None else _share(replays, prevalence)
        found.append(
            Metric(
                name=name,
                on=_ON,
                value=round(statistic(replays), 4),
                low=round(low, 4),
                high=round(high, 4),
                prevalence=truth,
            )
        )
    return tuple(found)


def first_alarms(r: Replay, detected: Bools) -> NDArray[np.float64]:
    """Day of each pixel's first detection, ``(pixels,)``; infinite for none."""
    first = np.full(r.kind.size, np.inf)
    np.minimum.at(first, r.pixel[detected], r.day[detected].astype(np.float64))
    return first


def alarms_per_year(
    replays: Sequence[Replay], detect: Callable[[Replay], Bools]
) -> float:
    """Healthy pixels with any detection, a pixel-year watched."""
    alarms = years = 0.0
    for r in replays:
        healthy = r.kind == Kind.NONE
        alarms += np.isfinite(first_alarms(r, detect(r)))[healthy].sum()
        years += float(r.years[healthy].sum())
    return alarms / years if years else float("nan")


_Statistic = Callable[[Sequence[Replay]], float]


def _resampled(
    statistic: _Statistic, replays: Sequence[Replay], chosen: NDArray[np.intp]
) -> float:
    return statistic([replays[i] for i in chosen])


def _disturbed(r: Replay) -> Bools:
    return np.asarray(r.label != HEALTHY)


def _lost(r: Replay) -> Bools:
    return np.asarray(r.label == GONE)


def _share(replays: Sequence[Replay], truth: Callable[[Replay], Bools]) -> float:
    asked, _ = _gather(replays, truth, lambda r: r.unwell)
    return round(float(asked.mean()), 4)


def _gather(
    replays: Sequence[Replay],
    truth: Callable[[Replay], Bools],
    score: Callable[[Replay], NDArray[np.float32]],
) -> tuple[Bools, NDArray[np.float32]]:
    asked = [r.label != UNCLEAR for r in replays]
    pairs = list(zip(replays, asked, strict=True))
    return (
        np.concatenate([truth(r)[a] for r, a in pairs]),
        np.concatenate([score(r)[a] for r, a in pairs]),
    )


def _ap(
    truth: Callable[[Replay], Bools], score: Callable[[Replay], NDArray[np.float32]]
) -> _Statistic:
    return lambda replays: average_precision(*_gather(replays, truth, score))


def _ece(
    truth: Callable[[Replay], Bools], score: Callable[[Replay], NDArray[np.float32]]
) -> _Statistic:
    return lambda replays: calibration_error(*_gather(replays, truth, score))


def _false(detect: Callable[[Replay], Bools]) -> _Statistic:
    return lambda replays: alarms_per_year(replays, detect)


def _delays(
    replays: Sequence[Replay], detect: Callable[[Replay], Bools]
) -> NDArray[np.float64]:
    """Days from onset to detection of every dieback watched for half a year."""
    delays = []
    for r in replays:
        # A detection before the onset is a false alarm, not a find.
        late = detect(r) & (r.day >= r.onset[r.pixel])
        end = r.day.max(initial=0)
        watched = (r.kind == Kind.DIEBACK) & (r.onset <= end - 180)
        watched &= r.onset >= r.day.min(initial=end)
        delays.append((first_alarms(r, late) - r.onset)[watched])
    return np.concatenate(delays)


def _found(detect: Callable[[Replay], Bools]) -> _Statistic:
    def share(replays: Sequence[Replay]) -> float:
        delays = _delays(replays, detect)
        return float(np.isfinite(delays).mean()) if delays.size else float("nan")

    return share


def _delay(detect: Callable[[Replay], Bools]) -> _Statistic:
    def median(replays: Sequence[Replay]) -> float:
        delays = _delays(replays, detect)
        found = delays[np.isfinite(delays)]
        return float(np.median(found)) if found.size else float("nan")

    return median

"""Cards of models that learned on from others."""

from collections.abc import Mapping

import numpy as np

from agroforest.risk.card import TUNED, Ensemble, Limits, ModelCard, Training
from agroforest.risk.collection import Collection
from agroforest.risk.compare import Judged, compare, judge_differences
from agroforest.risk.measure import measure
from agroforest.risk.mixing import Settled
from agroforest.risk.task import Refining, S, Task
from agroforest.risk.tuned import FineTuning


def describe(
    base: ModelCard, collection: Collection[S], judged: Judged, left_out: int
) -> FineTuning:
    """Say what was learned from, and what came of it.

    Parameters
    ----------
    base
        Card of the model before.
    collection
        The labels.
    judged
        Answers before and after.
    left_out
        See `FineTuning`.
    """
    comparisons = compare(judged)
    first, last = collection.seen or ("", "")
    share = np.average(judged.truth, weights=judged.weight)
    return FineTuning(
        base=base.title,
        base_sha256=base.weights.sha256,
        labels_sha256=collection.digest,
        labels=collection.labels,
        answers=collection.answers,
        blocks=len(np.unique(collection.samples.place)),
        first=str(first),
        last=str(last),
        prevalence=round(float(share), 4),
        set_aside=collection.set_aside,
        left_out=left_out,
        verdict=judge_differences(comparisons),
        comparisons=comparisons,
    )


def build_card(
    task: Task[S],
    base: ModelCard,
    collection: Collection[S],
    settled: Settled,
    *,
    held_out: Mapping[str, int],
    tuning: FineTuning,
    seed: int,
) -> ModelCard:
    """Build the card of a model that learned on.

    Parameters
    ----------
    task, base
        The task, and the card of the model before.
    collection
        The labels.
    settled
        What was found on blocks that nobody learned from.
    held_out
        Part of every block.
    tuning
        See `describe`.
    seed
        Of everything random.
    """
    threshold = settled.calibration.thresholds.get(task.threshold, float("nan"))
    recipe = "; ".join(
        s.describe_refining() for s in task.students if isinstance(s, Refining)
    )
    known_places = base.ensemble.held_out if base.ensemble else {}
    return base.model_copy(
        update={
            "fine_tuning": tuning,
            "format": TUNED,
            "version": f"{base.version}+survey.{collection.digest[:8]}",
            "learners": settled.learners,
            "ensemble": Ensemble(
                folds=task.folds, held_out={**known_places, **held_out}
            ),
            "training": Training(
                data=f"labels of a survey, after {base.training.data}",
                data_sha256=collection.digest,
                simulated=False,
                split=collection.split,
                seed=seed,
                recipe=f"on from {base.title}: {recipe}",
            ),
            "calibration": settled.calibration,
            "limits": _limits(base.limits, collection),
            "metrics": measure(
                task,
                collection.samples,
                settled.answers,
                threshold,
                on="blocks not learned from",
            ),
        }
    )


def _limits(old: Limits, collection: Collection[S]) -> Limits:
    """Limits of the model before, and where it learned on."""
    count = sum(collection.labels.values())
    first, last = collection.seen or ("", "")
    chinese = (
        f"之后又用 {count} 个实地调查标签继续学习（{first} 至 {last}）；"
        "只在该调查范围内与原模型比较过。"
    )
    english = (
        f"Learned on from {count} labels of a field survey, {first} to {last}; "
        "compared with the model before on that ground alone."
    )
    return old.model_copy(
        update={
            "zh": (*old.zh, chinese),
            "en": (*old.en, english),
        }
    )

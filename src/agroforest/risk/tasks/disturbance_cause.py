"""``disturbance-cause``: what a yearly Landsat series of a decade went through."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.datasets.disturbance_cause import CAUSES, STEPS, read, write
from agroforest.risk.datasets.disturbance_features import (
    FEATURES,
    by_series,
    by_year,
)
from agroforest.risk.metrics import class_f1, confusion, f1
from agroforest.risk.net import WindowNet
from agroforest.risk.rows import Items, NetworkStudent, TreesStudent
from agroforest.risk.task import Answers, Statistic, Task
from agroforest.risk.train import Batch, Recipe

_ANSWER = Answer(head="classes", outputs=CAUSES)
_FIRE = CAUSES.index("BR")
_INSECTS = (CAUSES.index("ARP"), CAUSES.index("TBE"))
# Labels come from forest inventories and some are wrong.
_SMOOTHING = 0.05


def build_window(spec: Learner, features: int, outputs: int) -> nn.Module:
    """Build the network of a series of ten years."""
    return WindowNet(spec, features, outputs, STEPS)


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Cross entropy with smoothed labels; series without a label do not count."""
    return functional.cross_entropy(
        network(batch["values"]),
        batch["target"],
        ignore_index=-1,
        label_smoothing=_SMOOTHING,
    )


def measures(
    samples: Items, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    """Macro-F1 over the causes that are there, accuracy, F1 of fire and insects.

    ``f1_insects`` takes both insects as one, ``f1_insects_mean`` is the mean of
    their own; what is not there is left out.
    """
    del threshold
    truth = samples.target
    if truth is None:
        raise ValueError("no target to measure against")
    known = truth >= 0
    true, said = truth[known], answers.value[known].argmax(axis=1)

    def on_causes(
        number: Callable[[NDArray[np.float64]], float],
    ) -> Statistic:
        def statistic(counts: NDArray[np.float64]) -> float:
            return number(confusion(true, said, len(CAUSES), counts[known]))

        return statistic

    def insects(counts: NDArray[np.float64]) -> float:
        pair = np.isin(true, _INSECTS), np.isin(said, _INSECTS)
        return f1(*pair, counts[known])

    found: dict[str, Statistic] = {
        "macro_f1": on_causes(_macro_f1),
        "accuracy": on_causes(lambda m: float(np.trace(m) / m.sum())),
    }
    there = set(true.tolist())
    if _FIRE in there:
        found["f1_fire"] = on_causes(lambda m: float(class_f1(m)[_FIRE]))
    if there & set(_INSECTS):
        found["f1_insects"] = insects
    if there >= set(_INSECTS):
        found["f1_insects_mean"] = on_causes(
            lambda m: float(class_f1(m)[list(_INSECTS)].mean())
        )
    return found


def _macro_f1(found: NDArray[np.float64]) -> float:
    there = found.sum(axis=1) > 0
    return float(class_f1(found)[there].mean())


TASK = Task(
    name="disturbance-cause",
    version="1.0.0",
    purpose=Purpose(
        zh="由一个像元连续十年的 Landsat 年度合成反射率判断森林受干扰的原因：火灾、"
        "虫害、风倒、采伐，或未受干扰。用于回顾性成因分析，结果须经实地核查。",
        en="Tells from ten yearly Landsat composites of a pixel what disturbed its "
        "forest: fire, insects, windthrow, a cut, or nothing. For looking back at "
        "causes; to be checked in the field.",
    ),
    limits=Limits(
        zh=(
            "不得用于预警：须待事件之后的年份才能判断",
            "风倒（CHP、CHT）与部分采伐（CP）的判断不可靠，见各项指标",
            "同一文件须为同一地区：各类比例按文件估计，混合多个地区会降低精度",
            "虫害仅指东加拿大的两种食叶害虫，不能用于诊断其他病虫害",
        ),
        en=(
            "No warning: it needs years after the event",
            "Windthrow (CHP, CHT) is often mistaken for cuts and for forest",
            "A file must hold one place: shares of causes are estimated file by file",
            "Insects are two defoliators of eastern Canada; no diagnosis of others",
        ),
        never_tested=(
            "Guangxi",
            "eucalyptus and other plantations",
            "Sentinel-2 composites",
            "anything outside the boreal forest of eastern Canada",
        ),
    ),
    answer=_ANSWER,
    features=FEATURES,
    observed=("B1", "B2", "B3", "B4", "B5", "B7"),
    steps=STEPS,
    data="Yearly Landsat series of 51 grid cells, eastern Canada, doi "
    "10.1016/j.rse.2024.114107",
    split="by grid cell; the data give no positions, so neighbouring cells can be "
    "in different parts",
    read=read,
    students=(
        NetworkStudent(
            spec=Learner(
                family="series",
                variant="attention over the window",
                width=64,
                blocks=2,
                kernel=4,
                share=0.6,
            ),
            answer=_ANSWER,
            build=build_window,
            recipe=Recipe(epochs=5, batch=512, rate=2e-3, decay=0.01, average=0.998),
            loss=loss,
            features=by_year,
        ),
        TreesStudent(
            spec=Learner(family="trees", width=15, blocks=120, share=0.4),
            answer=_ANSWER,
            settings={
                "learning_rate": 0.12,
                "feature_fraction": 0.3,
                "bagging_fraction": 0.7,
                "bagging_freq": 1,
                "min_data_in_leaf": 40,
                "lambda_l2": 5.0,
                "max_bin": 127,
            },
            features=by_series,
        ),
    ),
    folds=3,
    measures=measures,
    write=write,
    # Of 300 draws of six places not learned from, power 1 loses macro-F1 in one of
    # seven and 0.7 in one of a hundred; the weight hardly matters.
    prior_weight=100.0,
    prior_power=0.7,
)

"""``fire-occurrence``: whether a place burns in the dry season to come."""

from collections.abc import Mapping

import numpy as np

from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.committee import Committee, mean_surprise
from agroforest.risk.datasets.fire_occurrence import (
    FEATURES,
    POSITION,
    build_rows,
    position,
    read,
    scaled_columns,
    write,
)
from agroforest.risk.ground import GroundStudent
from agroforest.risk.metrics import auroc, average_precision, f1
from agroforest.risk.rows import Items, NetworkStudent, TreesStudent
from agroforest.risk.task import Answers, Statistic, Task
from agroforest.risk.train import Recipe

#: Name of the decision in the card.
BURNS = "burns"

_ANSWER = Answer(head="probability", outputs=(BURNS,))
# Fire does not become likelier with distance from last year's fire, nor with more
# leaves that reflect the near infrared.
_FALLING = ("distanceBurn1yrBefore", "distanceBurn2yrBefore", "nir")


def measure_fires(
    samples: Items, answers: Answers, threshold: float
) -> Mapping[str, Statistic]:
    """AUROC, average precision, and F1 at the threshold."""
    if samples.truth is None:
        raise ValueError("no target to measure against")
    known = np.isfinite(samples.truth)
    truth, chance = samples.truth[known] > 0, answers.value[known, 0]
    return {
        "auroc": lambda counts: auroc(truth, chance, counts[known]),
        "ap": lambda counts: average_precision(truth, chance, counts[known]),
        "f1": lambda counts: f1(truth, chance >= threshold, counts[known]),
    }


_COMMITTEE = NetworkStudent(
    spec=Learner(
        family="dense", variant="committee", width=32, blocks=1, kernel=8, share=0.28
    ),
    answer=_ANSWER,
    build=Committee,
    recipe=Recipe(epochs=20, batch=64, rate=3e-3, decay=0.3),
    loss=mean_surprise,
    features=build_rows,
)
_BOOSTED = TreesStudent(
    spec=Learner(family="trees", variant="boosted", width=6, blocks=150, share=0.21),
    answer=_ANSWER,
    settings={
        "boosting": "dart",
        "learning_rate": 0.1,
        "min_data_in_leaf": 15,
        "feature_fraction": 0.15,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "monotone_constraints": ",".join(
            "-1" if name in _FALLING else "0" for name in FEATURES
        ),
    },
    features=scaled_columns,
)
_FOREST = TreesStudent(
    spec=Learner(family="trees", variant="bagged", width=63, blocks=200, share=0.21),
    answer=_ANSWER,
    settings={
        "boosting": "rf",
        "min_data_in_leaf": 3,
        "feature_fraction_bynode": 0.2,
        "bagging_fraction": 0.63,
        "bagging_freq": 1,
    },
    features=scaled_columns,
)
# Points of other years agree in 73 of 100 pairs at 2 to 4 km, in 58 at 8 to 15, in
# half from 30 on; reaches of 3, 5 and 8 km do alike (ADR 10).
_NEARBY = GroundStudent(
    spec=Learner(family="ground", share=0.3),
    answer=_ANSWER,
    position=position,
    reach=5.0,
    doubt=0.5,
)

TASK: Task[Items] = Task(
    name="fire-occurrence",
    version="1.1.0",
    purpose=Purpose(
        zh="由前两年和邻近地点历年的过火情况、植被、地形、气候和人类活动，估计某点在"
        "下一个旱季过火的概率，用于排定巡护和防火准备的先后。",
        en="Gives the probability that a point burns in the dry season to come, from "
        "the fires of the two years before, what burned nearby in others, vegetation, "
        "terrain, climate and people, to decide where to look and prepare first.",
    ),
    limits=Limits(
        zh=(
            "只用泰国北部 2016—2020 年 575 个点训练，过火与未过火各半。",
            "概率以训练样本的一半过火为基准，不是实际过火频率；只能用于排序。",
            "数值须与训练数据按同一方法缩放到 0—1，否则结果无意义。",
            "邻近地点的过火记录只覆盖泰国北部，且须给出坐标。",
            "不能预报某一天是否起火，也不能判定起火原因或责任。",
            "从未在广西检验。",
        ),
        en=(
            "Learned from 575 points in northern Thailand, 2016-2020; half burned.",
            "Puts places in order, no more: it is not the frequency of fire.",
            "Numbers must be scaled to 0..1 exactly as those it learned from.",
            "What burned nearby is known of northern Thailand alone, by position.",
            "Does not say on which day a fire starts, nor why or through whom.",
            "Never tested in Guangxi.",
        ),
        never_tested=("Guangxi", "any place outside northern Thailand"),
    ),
    answer=_ANSWER,
    features=FEATURES + POSITION,
    data="575 points of northern Thailand, 2016-2020, burned or not in the season that "
    "followed (enikoebihari/ThailandFireProbability)",
    split="by year: no point of a judged year was learned from",
    read=read,
    students=(_COMMITTEE, _BOOSTED, _FOREST, _NEARBY),
    folds=5,
    measures=measure_fires,
    write=write,
    threshold=BURNS,
)

"""``burned-area``: what a fire left burned, seen after it."""

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.background import Background
from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.crops import Crops
from agroforest.risk.datasets.burned_area import (
    AFTER,
    FEATURES,
    LOSS,
    PLACE_DEGREES,
    network_planes,
    read_fires,
    tree_planes,
)
from agroforest.risk.main_patch import keep_main_patch
from agroforest.risk.probability_map import count_pixels, write_maps
from agroforest.risk.scene_trees import SceneTrees
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.task import Task
from agroforest.risk.train import Recipe

#: Name of the decision in the card.
BURNED = "burned"

_ANSWER = Answer(head="probability", outputs=("burned",))
#: Widest scene that counts as cut around one fire, pixels a side: the learned ones
#: have 427 at most, and a tile holds several fires.
_WIDEST = 512
# From .15 to .25 and from .1 to .75 does alike (ADR 10).
_REACH, _LEAST = 0.2, 0.2
# Scenes are rectangles around a fire that burned 6 to 24 % of them; from .65 to .75
# the quantile does alike, at .85 it takes burns for background (ADR 10). The usual
# level is that of the median scene, of networks that had not seen it.
_BACKGROUND = Background(quantile=0.7, usual=-1.84, furthest=3.0)
_NETWORK = SceneStudent(
    spec=Learner(family="scene", width=16, blocks=3, kernel=3, share=0.4),
    answer=_ANSWER,
    recipe=Recipe(epochs=20, batch=8, rate=3e-3, decay=5e-2, average=0.98),
    crops=Crops(side=144, noise=0.1, gain=0.2, zoom=0.6, forget=(0.0, 0.5), evenly=0.0),
    sources=(AFTER, LOSS),
    features=network_planes,
    overlap=0.3,
    background=_BACKGROUND,
)
_TREES = SceneTrees(
    spec=Learner(family="trees", width=31, blocks=200, share=0.6),
    answer=_ANSWER,
    settings={
        "learning_rate": 0.05,
        "min_data_in_leaf": 300,
        "feature_fraction": 0.4,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 127,
    },
    features=tree_planes,
    rows=150_000,
    forget=0.3,
    optional=LOSS + 3,
)


def find_one_fire(
    samples: Scenes,
    chance: NDArray[np.float32],
    *,
    reach: float = _REACH,
    least: float = _LEAST,
) -> NDArray[np.float32]:
    """Keep of every scene the fire that it was cut around.

    What burned beside it, another year or another fire, has a perimeter of its own.
    Scenes of more than 512 pixels a side are left as they are.

    Parameters
    ----------
    samples
        The scenes.
    chance
        ``(answer, 1)`` float32.
    reach, least
        As for `agroforest.risk.main_patch.keep_main_patch`.
    """
    return np.concatenate(
        [
            (
                one
                if max(one.shape) > _WIDEST
                else keep_main_patch(one, reach=reach, least=least)
            ).ravel()
            for one in samples.split(chance[:, 0])
        ]
        or [np.zeros(0, np.float32)]
    )[:, None]


TASK: Task[Scenes] = Task(
    name="burned-area",
    version="1.2.0",
    purpose=Purpose(
        zh="根据火后影像（有火前影像时一并使用）逐像元给出位于过火范围内的概率。",
        en="Gives every pixel of a scene after a fire the probability that it lies "
        "inside the fire's perimeter; a scene from before helps where there is one.",
    ),
    limits=Limits(
        zh=(
            "只用加利福尼亚 26 场火灾训练；标签是火场边界，包含未烧的岛状区域。",
            "采伐、翻耕和收割后的农田可能被判为过火；应有热点或炭迹佐证。",
            "场景围绕一场火截取；没有火的场景，或大半已过火的场景上未检验。",
            "只认场景中部连成一片的那场火：同一场景里的另一场火会被压低。",
            "从未在广西检验。",
        ),
        en=(
            "Learned from 26 Californian fires; perimeters include unburned islands.",
            "Felled, ploughed or harvested land can look burned: ask for char.",
            "Scenes were cut around one fire; not tested where none or most burned.",
            (
                "Told is the fire in the middle that hangs together: another one in "
                "the same scene is played down."
            ),
            "Never tested in Guangxi.",
        ),
        never_tested=("Guangxi", "humid subtropical forest", "scenes without a fire"),
    ),
    answer=_ANSWER,
    features=FEATURES,
    steps=2,
    data="26 fires in California 2020 to 2025, Sentinel-2 after them and in part "
    "before, CAL FIRE perimeters (Runan-Duan/Wildfire_Detection)",
    split="by place: fires whose centres chain together with steps under "
    f"{PLACE_DEGREES:g} degrees are one place",
    read=read_fires,
    students=(_NETWORK, _TREES),
    folds=5,
    measures=count_pixels,
    write=write_maps,
    threshold=BURNED,
    finish=find_one_fire,
)

"""What a user would take instead of each model: plain trees on plain numbers.

No feature but the numbers as they are and how two dates differ, nothing around a
pixel, no adapting to a place. They are grown when a model is evaluated beside them
and kept nowhere.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.risk import scenes
from agroforest.risk.baseline import Baseline
from agroforest.risk.boosting import Settings
from agroforest.risk.card import Answer, Learner
from agroforest.risk.rows import Items, TreesStudent
from agroforest.risk.scene_trees import SceneTrees
from agroforest.risk.scenes import Scenes
from agroforest.risk.tasks import find_task

# Twice LightGBM's usual rounds at half its usual rate: better than those on all four
# tasks, if by little (ADR 10).
_BOOSTED = Learner(family="trees", width=31, blocks=200)
_SLOWLY: Settings = {"learning_rate": 0.05}
_PIXELS = 150_000
# A random forest, Breiman (2001): at every split the root of the columns, and as many
# rows a tree as a bootstrap sample has different ones.
_BAGGED = Learner(family="trees", variant="bagged", width=127, blocks=500)
_AT_RANDOM: Settings = {
    "boosting": "rf",
    "min_data_in_leaf": 5,
    "feature_fraction_bynode": 0.126,
    "bagging_fraction": 0.632,
    "bagging_freq": 1,
}


def find_baseline(name: str) -> Baseline[Any]:
    """Find the baseline of a task by the name of its model.

    Raises
    ------
    ConfigurationError
        It has none.
    """
    make = _BASELINES.get(name)
    if make is None:
        raise ConfigurationError(
            f"model {name}", "has no baseline", f"name {', '.join(_BASELINES)}"
        )
    return make(find_task(name).answer)


def _over_pixels(
    name: str, features: scenes.Features, answer: Answer
) -> Baseline[Scenes]:
    student = SceneTrees(
        spec=_BOOSTED,
        answer=answer,
        settings=_SLOWLY,
        features=features,
        rows=_PIXELS,
    )
    return Baseline(name=name, student=student)


def _over_items(
    name: str, spec: Learner, settings: Settings, answer: Answer
) -> Baseline[Items]:
    student = TreesStudent(
        spec=spec, answer=answer, settings=settings, features=_in_a_row
    )
    return Baseline(name=name, student=student)


def _two_dates(values: NDArray[np.float32]) -> NDArray[np.float32]:
    before, after = np.split(values, 2)
    return np.concatenate([before, after, after - before])


def _as_they_are(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


def _in_a_row(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.reshape(len(values), -1)


_BASELINES: Mapping[str, Callable[[Answer], Baseline[Any]]] = {
    "canopy-damage": partial(
        _over_pixels, "LightGBM, bands of both years and their difference", _two_dates
    ),
    "burned-area": partial(
        _over_pixels, "LightGBM, bands after the fire, and dNBR", _as_they_are
    ),
    "disturbance-cause": partial(
        _over_items, "LightGBM, bands of ten years", _BOOSTED, _SLOWLY
    ),
    "fuel-moisture": partial(
        _over_items, "LightGBM, numbers of three months", _BOOSTED, _SLOWLY
    ),
    "fire-occurrence": partial(
        _over_items, "random forest, numbers of a point", _BAGGED, _AT_RANDOM
    ),
}

"""Trees grown by LightGBM: new ones, and more of them on top of others.

Only who trains needs LightGBM; what it leaves are the arrays of
`agroforest.risk.trees`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.risk import trees
from agroforest.risk.card import Answer, Learner, Tensors

#: Further settings of LightGBM, by their names there.
Settings = Mapping[str, float | int | str | bool]

_OBJECTIVE = {"probability": "binary", "classes": "multiclass", "value": "regression"}


def describe_trees(spec: Learner, settings: Settings, on: str = "") -> str:
    """Say how trees are grown, one line for the card; `on` names what from."""
    further = ", ".join(f"{k} {v}" for k, v in sorted(settings.items()))
    return (
        f"trees: LightGBM, {spec.blocks} rounds of {spec.width} leaves"
        f"{on and f' on {on}'}, {further}"
    )


def grow(
    rows: NDArray[np.float32],
    target: NDArray[Any],
    spec: Learner,
    answer: Answer,
    settings: Settings,
    *,
    weight: NDArray[np.floating] | None = None,
    start: Tensors | None = None,
    seed: int,
) -> Tensors:
    """Grow trees with LightGBM.

    Parameters
    ----------
    rows
        ``(n, column)``, NaN where missing.
    target
        ``(n,)``.
    spec
        `blocks` rounds of trees of `width` leaves.
    answer
        Its head chooses the objective.
    settings
        Further settings of LightGBM.
    weight
        ``(n,)``, how much every row counts; all the same unless given.
    start
        Trees whose answer is improved on; they come first in the result. LightGBM
        calls their answer the initial score.
    seed
        Of samples of rows and columns.

    Returns
    -------
    Mapping
        See `agroforest.risk.trees`.

    Raises
    ------
    ConfigurationError
        LightGBM is not installed.
    ModelError
        If the trees to start from are damaged or see other columns.
    """
    try:
        import lightgbm  # noqa: PLC0415  only who trains needs it
    except ImportError:
        raise ConfigurationError(
            "lightgbm", "is not installed", "pip install 'agroforest[train]'"
        ) from None
    classes = len(answer.outputs) if answer.head == "classes" else 1
    # One output behind the other, as LightGBM wants the scores of several classes.
    score = trees.predict(start, rows).ravel(order="F") if start else None
    booster = lightgbm.train(
        {
            "objective": _OBJECTIVE[answer.head],
            "num_class": classes,
            "num_leaves": spec.width,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbosity": -1,
            **settings,
        },
        lightgbm.Dataset(rows, target, weight=weight, init_score=score),
        num_boost_round=spec.blocks,
    )
    grown = trees.from_lightgbm(booster)
    return trees.join(start, grown) if start else grown

"""Which models judge a year."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agroforest.core.config import YearlySection
from agroforest.core.errors import ConfigurationError, ModelError
from agroforest.nightly.year import YearlyModels
from agroforest.risk import Model, models_dir, read_card

if TYPE_CHECKING:
    from agroforest.risk.task import Task

_NONE = "none"


def choose_models(settings: YearlySection | None) -> YearlyModels | None:
    """Choose the models of the settings; only their cards are read.

    A model that is missing or damaged is refused, never replaced: the reason is
    part of the report, and the rest of the night goes on.
    """
    if settings is None:
        return None
    if find_spec("torch") is None:
        return YearlyModels(missing=("torch not installed",))
    chosen, missing = {}, []
    for role, name in (("damage", settings.damage), ("cause", settings.cause)):
        if name == _NONE:
            continue
        try:
            chosen[role] = _identity(name)
        except ModelError as error:
            # Reports show it, so it names the model, not a folder of this machine.
            missing.append(f"model {Path(name).name}: {error.problem}; {error.remedy}")
    return YearlyModels(**chosen, missing=tuple(missing))


@lru_cache(maxsize=2)
def open_model(name: str, identity: str) -> "tuple[Task[Any], Model]":
    """Load a model, once for each worker process.

    Raises
    ------
    ConfigurationError
        It is not the model for which the task was planned.
    ModelError
        It is damaged.
    """
    # Both load torch, which only a worker needs.
    from agroforest.risk import ensemble  # noqa: PLC0415
    from agroforest.risk.tasks import find_task  # noqa: PLC0415

    folder = models_dir() / name
    task = find_task(read_card(folder).name)
    model = ensemble.load(task, folder)
    if model.identity != identity:
        raise ConfigurationError(
            f"model {Path(name).name}",
            f"is {model.identity} here and {identity} at the client",
            "install the same models on both",
        )
    return task, model


def _identity(name: str) -> str:
    folder = models_dir() / name
    return Model(folder=folder, card=read_card(folder), tensors={}).identity

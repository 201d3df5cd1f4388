"""The tasks that are learned from labels, one module each."""

from importlib import import_module
from typing import Any

from agroforest.core.errors import ConfigurationError
from agroforest.risk.task import Task

#: Names of all tasks.
TASKS = (
    "canopy-damage",
    "disturbance-cause",
    "fuel-moisture",
    "burned-area",
    "fire-occurrence",
    "fire-occurrence-local",
)


def find_task(name: str) -> Task[Any]:
    """Find a task by the name of its model.

    Raises
    ------
    ConfigurationError
        If there is none.
    """
    if name not in TASKS:
        raise ConfigurationError(
            f"model {name}",
            "is not learned from labels",
            f"name {', '.join(TASKS)} (canopy-stress watches cubes and nights)",
        )
    module = import_module(f"agroforest.risk.tasks.{name.replace('-', '_')}")
    task: Task[Any] = module.TASK
    return task

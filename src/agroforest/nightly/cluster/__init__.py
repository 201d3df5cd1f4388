"""Where the tasks of a night run: Dask on this machine, or on any number of others.

What a run and its workers must share (release, storage, model) is proved before a
worker gets a task.
"""

from agroforest.nightly.cluster.compute import Compute
from agroforest.nightly.cluster.mounts import (
    MOUNTS_VARIABLE,
    WORK_VARIABLE,
    parse_mounts,
)
from agroforest.nightly.cluster.scheduler import (
    WORKER_ENVIRONMENT,
    WORKER_SETTINGS,
    Certificates,
    Scheduler,
)

__all__ = [
    "MOUNTS_VARIABLE",
    "WORKER_ENVIRONMENT",
    "WORKER_SETTINGS",
    "WORK_VARIABLE",
    "Certificates",
    "Compute",
    "Scheduler",
    "parse_mounts",
]

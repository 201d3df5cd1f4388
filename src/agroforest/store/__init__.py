"""Facts in a database: runs, tasks, alerts, sensors, readings."""

from agroforest.store.records import (
    AddedReadings,
    QuarantineRecord,
    RunRecord,
    TaskRecord,
)
from agroforest.store.store import Store, open_store

__all__ = [
    "AddedReadings",
    "QuarantineRecord",
    "RunRecord",
    "Store",
    "TaskRecord",
    "open_store",
]

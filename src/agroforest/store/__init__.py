"""Facts in a database: runs, tasks, alerts, sensors, readings, what came in."""

from agroforest.store.records import (
    AddedReadings,
    ArrivedBatch,
    DeadLetter,
    QuarantineRecord,
    RunRecord,
    SpoolState,
    TaskRecord,
)
from agroforest.store.standstill import PROMPT_S
from agroforest.store.store import Store, open_store

__all__ = [
    "PROMPT_S",
    "AddedReadings",
    "ArrivedBatch",
    "DeadLetter",
    "QuarantineRecord",
    "RunRecord",
    "SpoolState",
    "Store",
    "TaskRecord",
    "open_store",
]

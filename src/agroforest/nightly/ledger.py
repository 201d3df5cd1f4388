"""How the ledger records what a night judges for the whole area, not tile by tile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agroforest.core.errors import AgroforestError
from agroforest.core.identity import digest
from agroforest.nightly import records
from agroforest.nightly.plan import Watch
from agroforest.nightly.result import Refusal
from agroforest.store import QuarantineRecord, Store, TaskRecord


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AreaWork:
    """What came of judging the whole area on a night.

    Attributes
    ----------
    record
        For the ledger.
    report
        For the report of the night.
    refused
        Inputs that could not be used.
    error
        Why not; ``None`` when it is done.
    seconds
        Wall time.
    """

    record: TaskRecord = field(repr=False)
    report: dict[str, Any] = field(repr=False)
    refused: tuple[Refusal, ...] = ()
    error: str | None = None
    seconds: float = 0.0

    @property
    def quarantined(self) -> list[QuarantineRecord]:
        """What was refused, for the ledger."""
        record = self.record
        return records.quarantine(record.pipeline, record.night, self.refused)


class AreaLedger:
    """The part of the ledger that one such judgement has for itself.

    Parameters
    ----------
    name
        Stands for a tile, and for its state.
    watch, store
        Of the pipeline.
    """

    def __init__(self, name: str, watch: Watch, store: Store) -> None:
        self._name, self._watch, self._store = name, watch, store

    def due(self, night: date, identify: Callable[[], str]) -> str:
        """Id of what a night has to judge; empty if that was done, or is too late.

        Parameters
        ----------
        night
            Which.
        identify
            Gives the id. Where it cannot, the failure has an id of its own.
        """
        last = self._store.last_night(self._watch.pipeline.name)
        if last is not None and night < last:
            return ""
        try:
            task = identify()
        except AgroforestError as error:
            return self._identify_failure(night, error)
        known = self._store.find_task(task)
        return "" if records.is_done(known, self._watch.workplace) else task

    def done(self, task: str, night: date, outputs: Mapping[str, str]) -> TaskRecord:
        """Build the record of what was judged."""
        return self._record(task, night, outputs, None)

    def failed(self, night: date, error: AgroforestError) -> TaskRecord:
        """Build the record of a night that could not be judged."""
        return self._record(self._identify_failure(night, error), night, {}, str(error))

    def _identify_failure(self, night: date, error: AgroforestError) -> str:
        return digest(self._name, night, str(error))

    def _record(
        self, task: str, night: date, outputs: Mapping[str, str], error: str | None
    ) -> TaskRecord:
        return TaskRecord(
            id=task,
            pipeline=self._watch.pipeline.name,
            tile=self._name,
            state=self._name,
            night=night,
            status=records.DONE if error is None else records.FAILED,
            outputs=outputs,
            summary={"kind": self._name, "error": error},
        )

"""What a piece of work costs while it goes on."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from agroforest.core.config import Pipeline
from agroforest.core.cost import Cost, EnergySource
from agroforest.nightly.power.factors import find_factor
from agroforest.nightly.power.processes import tree_seconds
from agroforest.nightly.power.rapl import EnergyMeter
from agroforest.nightly.power.watts import (
    KWH,
    memory_joules,
    processor_joules,
    resolve_watts,
)

# Seconds between two looks; arbitrary, a fraction of what a counter lasts.
_ROUND = 60.0


@dataclass(slots=True)
class _Elsewhere:
    """What others did for us."""

    cpu_seconds: float = 0.0
    bytes_read: int = 0


class Meter:
    """Counts time, bytes and energy; a context manager.

    Processor time is that of this process and its children, the worker processes of
    this machine among them. Energy is measured where the processor's counters can be
    read: then it is the whole processor's while the work lasts, whoever used it. It is
    estimated from processor seconds otherwise. Memory comes on top by assumption.

    Parameters
    ----------
    pipeline
        Whose ``[energy]`` says the grid's factor and the processor's power.
    remote
        True where tasks run on machines of others: what they report is then added to
        what is counted here.
    rapl
        The counters; the system's unless given.

    Raises
    ------
    ConfigurationError
        No factor is known of the province or country in ``[energy]``.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        remote: bool = False,
        rapl: EnergyMeter | None = None,
    ) -> None:
        self._factor = find_factor(pipeline.energy)
        self._watts = resolve_watts(pipeline.energy)
        self._remote = remote
        self._rapl = rapl or EnergyMeter()
        self._elsewhere = _Elsewhere()
        self._memory_gb = memory_gigabytes()
        self._saved: dict[str, float] = {}
        self._began = self._ended = 0.0
        self._cpu_before = self._cpu = 0.0
        self._joules_before: float | None = None
        self._joules: float | None = None
        self._running = False
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._rapl.joules()
        self._began = time.monotonic()
        self._cpu_before = tree_seconds()
        self._joules_before = self._rapl.joules()
        self._running = True
        self._stop.clear()
        threading.Thread(target=self._watch, name="meter", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._look()
        self._running = False

    def add(
        self,
        *,
        cpu_seconds: float = 0.0,
        bytes_read: int = 0,
        saved: Mapping[str, float] | None = None,
    ) -> None:
        """Count a task that is done, and what was not; see `power.saved`.

        Processor time counts only where it was used elsewhere.
        """
        self._elsewhere.bytes_read += bytes_read
        if self._remote:
            self._elsewhere.cpu_seconds += cpu_seconds
        for why, count in (saved or {}).items():
            self._saved[why] = self._saved.get(why, 0) + count

    def read(self) -> Cost:
        """Cost so far; of work that has ended, its cost."""
        if self._running:
            self._look()
        elsewhere = self._elsewhere
        seconds = self._ended - self._began
        joules, source = self._joules, EnergySource.MEASURED
        if joules is None:
            joules, source = (
                processor_joules(self._cpu, self._watts),
                EnergySource.ESTIMATED,
            )
        if elsewhere.cpu_seconds:
            joules += processor_joules(elsewhere.cpu_seconds, self._watts)
            source = EnergySource.ESTIMATED
        cpu_seconds = self._cpu + elsewhere.cpu_seconds
        return Cost(
            seconds=seconds,
            cpu_seconds=cpu_seconds,
            bytes_read=elsewhere.bytes_read,
            energy_kwh=(joules + memory_joules(seconds, self._memory_gb)) / KWH,
            source=source,
            factor_g_per_kwh=self._factor.g_per_kwh,
            factor_source=self._factor.source,
            saved=dict(self._saved),
        )

    def _watch(self) -> None:
        """Look before counters start again from zero, however long a task takes."""
        while not self._stop.wait(_ROUND):
            self._look()

    def _look(self) -> None:
        with self._lock:
            self._ended = time.monotonic()
            # A child that ends between two looks is not seen for a moment.
            self._cpu = max(self._cpu, tree_seconds() - self._cpu_before)
            now, before = self._rapl.joules(), self._joules_before
            self._joules = None if now is None or before is None else now - before


def memory_gigabytes() -> float:
    """Memory of this machine, 10^9 bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9

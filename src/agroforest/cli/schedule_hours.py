"""Nights of ``schedule run`` in the cleanest hours of the grid."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from agroforest.cli.options import choose_database

if TYPE_CHECKING:
    from agroforest.core.config import Pipeline
    from agroforest.schedule.job import Job
    from agroforest.schedule.timetable import ChooseStart

# Seconds for which a choice stands: what it depends on is read from files. Arbitrary.
_STANDS = 900.0
# Nights whose lengths say how long the next one takes, and some that were not done.
_LOOKED_AT = 30


def find_choice(job: "Job") -> "tuple[Job, ChooseStart] | None":
    """Find how the pipeline wants its start chosen; ``None``: at once.

    Returns
    -------
    tuple
        The job, with the window up to the deadline; and who chooses within it.

    Raises
    ------
    ConfigurationError
        The pipeline, or its table of hours, is wrong.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.nightly.power.hours import next_deadline
    from agroforest.nightly.power.profile import read_profile

    pipeline = read_pipeline(job.pipeline)
    hours = pipeline.energy.hours
    if hours is None:
        return None
    offset = timedelta(hours=pipeline.map.utc_offset_hours)
    read_profile(hours, offset)  # refused now, not at night
    start = job.timetable.next_start(datetime.now(UTC))
    deadline = next_deadline(start, pipeline.energy.deadline, offset)
    table = replace(job.timetable, window=deadline - start)
    job = replace(job, timetable=table)
    return job, CleanHours(job, pipeline, hours, offset)


class CleanHours:
    """Chooses the cleanest hours that keep the deadline.

    Parameters
    ----------
    job
        Whose nights.
    pipeline
        Its settings.
    hours
        The table of the grid's hours; read again, as forecasts are replaced.
    offset
        Of its local time from UTC.
    monotonic
        Seconds that have passed.
    """

    def __init__(
        self,
        job: "Job",
        pipeline: "Pipeline",
        hours: Path,
        offset: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._name = pipeline.name
        self._hours = hours
        self._offset = offset
        self._monotonic = monotonic
        self._asked: tuple[datetime, datetime] | None = None
        self._chosen = datetime.min.replace(tzinfo=UTC)
        self._stands_until = float("-inf")

    def __call__(self, now: datetime, deadline: datetime) -> datetime:
        """Choose; the answer stands for a quarter of an hour."""
        if self._asked != (now, deadline) or self._monotonic() > self._stands_until:
            self._chosen = self._choose(now, deadline)
            self._asked = (now, deadline)
            self._stands_until = self._monotonic() + _STANDS
        return self._chosen

    def _choose(self, now: datetime, deadline: datetime) -> datetime:
        from agroforest.nightly.power.hours import choose_start, expect_minutes
        from agroforest.nightly.power.profile import read_profile
        from agroforest.store import open_store

        place = choose_database(self._job.work, self._job.database)
        with open_store(place) as store:
            done = store.tries.executions(self._name, limit=_LOOKED_AT)
        profile = read_profile(self._hours, self._offset)
        return choose_start(now, expect_minutes(done), profile, deadline)

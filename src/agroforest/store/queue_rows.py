"""Rows of the queue: which columns are read, and what is made of them.

The same cases are shown again and again. A row is made once of what is read, and kept;
what is read anew is compared with it in whole, so a kept row is never an old one.
"""

import json
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from agroforest.core.queue import QueueRow
from agroforest.core.review import Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.store.cases import norm_probability
from agroforest.store.times import from_microseconds

#: Rows that are kept, some two kilobytes each. Arbitrary.
_KEPT = 8_000


class Read(NamedTuple):
    """A row as it is read; the names are those of the columns."""

    number: int
    id: str
    pipeline: str
    hazard: str
    stage: str
    version: int
    opened_us: int
    changed_us: int
    west: float
    south: float
    east: float
    north: float
    area_ha: float
    probability: float
    first_night: date | str
    evidence: date | str
    county_code: str
    county_zh: str
    county_en: str
    places: str
    verdict: str | None
    reason: str | None
    assignee: str
    rank: float
    due_us: int | None


#: What is read, in the order of `Read`, as SQL. Places are read as text: a list could
#: not be compared with what is kept.
SHOWN = ", ".join(
    "CAST(review_case.places AS TEXT)" if name == "places" else f"review_case.{name}"
    for name in Read._fields
)


@lru_cache(maxsize=_KEPT)
def build_row(read: Read) -> QueueRow:
    """Build a row of what was read; the same one for the same."""
    return QueueRow(
        id=read.id,
        pipeline=read.pipeline,
        hazard=Hazard(read.hazard),
        stage=Stage(read.stage),
        version=read.version,
        opened=from_microseconds(read.opened_us),
        changed=from_microseconds(read.changed_us),
        box=(read.west, read.south, read.east, read.north),
        area_ha=read.area_ha,
        probability=norm_probability(read.probability),
        first_night=_norm_day(read.first_night),
        evidence=_norm_day(read.evidence),
        county=(read.county_code, read.county_zh, read.county_en),
        places=tuple(json.loads(read.places)),
        verdict=None if read.verdict is None else Verdict(read.verdict),
        reason=None if read.reason is None else Reason(read.reason),
        assignee=read.assignee,
        rank=read.rank,
        due=None if read.due_us is None else from_microseconds(read.due_us),
    )


def _norm_day(kept: date | str) -> date:
    """Read a day; SQLite keeps it as text."""
    return date.fromisoformat(kept) if isinstance(kept, str) else kept

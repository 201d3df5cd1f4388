"""Nights of the tests that do harm, run without waiting between attempts."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.nightly.conftest import Site

from agroforest.core.config import read_pipeline
from agroforest.nightly.execution import Patience
from agroforest.nightly.run import NightOutcome, run_nights

#: Those that have scenes.
NIGHTS = [
    *(date(2024, 11, 6), date(2024, 11, 21)),
    *(date(2024, 12, 1), date(2024, 12, 6), date(2024, 12, 16)),
]
NIGHT = NIGHTS[0]


@dataclass(frozen=True, kw_only=True)
class Clean:
    """What nights leave when nobody disturbs them; see `tests.nightly.outcome.look`.

    Attributes
    ----------
    first, all
        Run in one call: the first of `NIGHTS`, and all of them.
    """

    first: dict[str, object] = field(repr=False)
    all: dict[str, object] = field(repr=False)


def run(
    site: Site, nights: Sequence[date], *, patience: Patience | None = None
) -> list[NightOutcome]:
    """Run nights without waiting between attempts."""
    patience = patience or Patience(back_off_s=(), database_s=0)
    return list(run_nights(site.pipeline, nights, work=site.work, patience=patience))


def run_in(pipeline: Path, work: Path, nights: Sequence[date]) -> None:
    """Run nights in another process, which knows files only."""
    patience = Patience(back_off_s=(), database_s=0)
    list(run_nights(read_pipeline(pipeline), nights, work=work, patience=patience))


def differ(found: dict[str, object], clean: dict[str, object]) -> list[str]:
    """Name the files and tables that are not those of a clean run."""
    return sorted(k for k in {*found, *clean} if found.get(k) != clean.get(k))


def count_attempts(work: Path) -> dict[str, int]:
    """Attempts on record, by what became of them."""
    with sqlite3.connect(work / "agroforest.db") as database:
        return dict(
            database.execute("SELECT outcome, count(*) FROM task_attempt GROUP BY 1")
        )

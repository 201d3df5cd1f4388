"""What the nights of one call share, and how each ended."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from agroforest.catalog import Catalog
from agroforest.core.aoi import Aoi
from agroforest.core.errors import DataError
from agroforest.nightly.desks import Desks
from agroforest.nightly.execution import Patience
from agroforest.nightly.judge import Judge
from agroforest.nightly.plan import Plan, Watch
from agroforest.nightly.watching import Progress
from agroforest.store import Store
from agroforest.store.exclusive import Exclusive


@dataclass(frozen=True, kw_only=True, slots=True)
class NightOutcome:
    """How a night ended.

    Attributes
    ----------
    night
        The night.
    plan
        What there was to do.
    report
        As written to ``reports/``; ``None`` for a night that changed nothing (it
        had run before), and in a dry run.
    map
        The page, if one was written.
    failed
        Tiles without a result; ``fire`` and ``water`` where they could not be judged.
    unread
        Tiles with a scene that its storage did not deliver.
    left_out
        Tiles that were not begun, because the budget was spent.
    """

    night: date
    plan: Plan = field(repr=False)
    report: dict[str, Any] | None = field(default=None, repr=False)
    map: Path | None = None
    failed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What the nights of one call share.

    Attributes
    ----------
    watch, aoi, judge, catalog, desks
        What is watched, where, and by whom.
    unusable
        Items of the catalogue that cannot be used, since it was last asked.
    store, held
        The database, and the pipeline's lock on it.
    progress
        Told what is going on.
    patience
        With the database, and between attempts.
    remote
        Whether tasks run on machines of others.
    """

    watch: Watch
    aoi: Aoi
    judge: Judge
    catalog: Catalog
    unusable: list[DataError]
    store: Store
    held: Exclusive
    progress: Progress
    desks: Desks
    patience: Patience
    remote: bool = False

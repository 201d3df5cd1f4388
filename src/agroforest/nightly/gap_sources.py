"""What is known of gaps beside a night's results: the catalogue's and the ledger's."""

import glob
import logging
from datetime import date, timedelta

from sqlalchemy import func, select

from agroforest.catalog import Catalog
from agroforest.catalog.protocol import is_clear
from agroforest.core.aoi import Aoi
from agroforest.core.config import Watched
from agroforest.core.errors import AgroforestError
from agroforest.core.scene import Granule
from agroforest.nightly.gaps import Known
from agroforest.nightly.plan import Plan, Watch
from agroforest.store import Store
from agroforest.store.schema import scene_use

_log = logging.getLogger(__name__)


def read_known(
    watch: Watch,
    aoi: Aoi,
    catalog: Catalog,
    store: Store,
    plan: Plan,
) -> Known:
    """Read what a report's gaps need besides."""
    canopy = watch.pipeline.watches(Watched.CANOPY)
    return Known(
        planned=(*plan.baselines, *plan.tasks),
        cloudy=find_cloudy(watch, aoi, catalog, plan.night) if canopy else (),
        last_taken=read_last_taken(watch, store) if canopy else {},
        lacking_feeds=find_lacking_feeds(watch),
    )


def find_cloudy(
    watch: Watch, aoi: Aoi, catalog: Catalog, night: date
) -> tuple[Granule, ...]:
    """Find granules of the night's window that state more cloud than is let in.

    One search. A catalogue that does not answer is no reason to lose the report of a
    night that is done: then nothing is known.
    """
    settings = watch.pipeline.scenes
    start = max(
        watch.pipeline.baseline.end + timedelta(days=1),
        night - timedelta(days=settings.lookback_days),
    )
    if not watch.tiles or start > night:
        return ()
    try:
        found = catalog.find_granules(
            aoi.area, start, night, collections=settings.collections
        )
    except AgroforestError as error:
        _log.warning("scenes that are too cloudy are not known: %s", error)
        return ()
    cloudy = [g for g in found if not is_clear(g, settings.max_cloud_cover)]
    return tuple(sorted(cloudy, key=lambda g: g.id))


def find_lacking_feeds(watch: Watch) -> tuple[str, ...]:
    """Find patterns of hotspot files that name no file."""
    if not watch.pipeline.watches(Watched.FIRE):
        return ()
    patterns = watch.pipeline.fire.hotspots
    return tuple(p for p in patterns if not glob.glob(p))  # noqa: PTH207  a pattern with its folder


def read_last_taken(watch: Watch, store: Store) -> dict[str, date | None]:
    """Read the night of the newest scene of each tile; ``None`` of none."""
    query = (
        select(scene_use.c.state, func.max(scene_use.c.night))
        .where(scene_use.c.pipeline == watch.pipeline.name)
        .group_by(scene_use.c.state)
    )
    with store.reading() as connection:
        newest = {row[0]: row[1] for row in connection.execute(query)}
    return {t.id: newest.get(watch.state_path(t).name) for t in watch.tiles}

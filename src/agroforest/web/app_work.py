"""What the desk shows of the work folder: pages and map tiles."""

from pathlib import Path

from fastapi import APIRouter, Request

from agroforest.core.account import Right
from agroforest.web.access import Visit, need, visiting
from agroforest.web.pages import (
    bulletins,
    exports,
    map,  # noqa: A004  the page's name
    models,
    parcels,
    runs,
    sensors,
)
from agroforest.web.pages.map_data import Ground
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.site import Site
from agroforest.web.tiles import Shelf
from agroforest.web.tiles import build_router as build_tiles


def build_work(site: Site, work: Path) -> tuple[APIRouter, ...]:
    """Build the routers of what nights left in a work folder, each behind its lock."""
    nights, ground = Nights(site, work), Ground(bureau=site.bureau)
    shelf = Shelf(work, nights.pipelines)
    return (
        build_tiles(shelf, admit=_admit, may_see_exact=_may_see_exact),
        map.build_router(nights, shelf, ground),
        parcels.build_router(nights),
        runs.build_router(nights),
        sensors.build_router(site, nights),
        models.build_router(site),
        bulletins.build_router(nights, ground),
        exports.build_router(),
    )


async def _admit(request: Request) -> None:
    await need(Right.SEE_CASES)(request, await visiting(request))


def _may_see_exact(request: Request) -> bool:
    visit: Visit | None = getattr(request.state, "visit", None)
    return visit is not None and visit.may(Right.SEE_EXACT)

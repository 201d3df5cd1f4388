"""What the desk serves beside its pages, each part behind its own lock."""

from pathlib import Path

from fastapi import APIRouter, Depends

from agroforest.core.account import Right
from agroforest.web.access import need
from agroforest.web.api import build_api
from agroforest.web.app_work import build_work
from agroforest.web.evidence.gather import Gatherer
from agroforest.web.evidence.router import build_router as build_evidence
from agroforest.web.health import build_router as build_health
from agroforest.web.pages.acknowledge import build_router as build_acknowledge
from agroforest.web.sensorthings import build_router as build_sensorthings
from agroforest.web.site import Site


def build_parts(site: Site, work: Path) -> tuple[APIRouter, ...]:
    """Build the routers of everything that is no page of the desk's own.

    Parameters
    ----------
    site
        The desk.
    work
        The work folder, whose maps and states are shown.
    """
    gatherer = Gatherer(work, site.bureau.pipelines, site.store)
    parts: list[APIRouter] = [
        *(build_evidence(gatherer), build_api(site, work)),
        build_acknowledge(work),
        build_health(site, work),
    ]
    readers = site.bureau.settings.web.sensorthings
    if readers != "off":
        lock = [] if readers == "open" else [Depends(need(Right.SEE_PARCELS))]
        sensors = APIRouter(dependencies=lock)
        sensors.include_router(build_sensorthings(site.store, now=site.now))
        parts.append(sensors)
    return (*build_work(site, work), *parts)  # tiles are asked for most

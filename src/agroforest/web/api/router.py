"""Everything that programs ask the desk for: ``/api/v1``, warnings and rasters."""

from pathlib import Path

from fastapi import APIRouter

from agroforest.web.api import (
    cases,
    described,
    exports,
    nights,
    people,
    record,
    stac,
    warnings,
)
from agroforest.web.api.described import PREFIX
from agroforest.web.api.stac_rasters import Rasters
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.site import Site


def build_api(site: Site, work: Path) -> APIRouter:
    """Build the router of the API.

    Parameters
    ----------
    site
        The desk.
    work
        The work folder, whose nights are shown.
    """
    api = APIRouter(prefix=PREFIX)
    api.include_router(exports.router)  # before a case could be named "export"
    for router in (cases.router, people.router, record.router):
        api.include_router(router)
    left = Nights(site, work)
    api.include_router(nights.build_router(site, left))
    whole = APIRouter()
    whole.include_router(api)
    whole.include_router(stac.build_router(Rasters(left)))
    whole.include_router(warnings.build_router(site, work / "public"))
    whole.include_router(described.build_router(site, whole.routes))
    return whole

"""The desk as one application: its pages, what guards them, what else is served."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import Response
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from agroforest import __version__
from agroforest.core.account import Right
from agroforest.web.access import guard
from agroforest.web.app_shield import Shield
from agroforest.web.health import build_liveness
from agroforest.web.pages import acts, alert, audit, login, login_oidc, queue
from agroforest.web.pages.faults import add_faults
from agroforest.web.site import NavEntry, Site

#: Entries of the navigation, in order; those whose page is not served are left out.
NAV = (
    NavEntry(key="nav.queue", path="/queue", right=Right.SEE_CASES),
    NavEntry(key="nav.map", path="/map", right=Right.SEE_CASES),
    NavEntry(key="nav.parcels", path="/parcels", right=Right.SEE_PARCELS, farmers=True),
    NavEntry(key="nav.runs", path="/runs", right=Right.SEE_CASES),
    NavEntry(key="nav.sensors", path="/sensors", right=Right.SEE_CASES),
    NavEntry(key="nav.models", path="/models", right=Right.SEE_CASES),
    NavEntry(key="nav.bulletins", path="/bulletins", right=Right.SEE_CASES),
    NavEntry(key="nav.exports", path="/exports", right=Right.SEE_CASES),
    NavEntry(key="nav.audit", path="/audit", right=Right.SEE_AUDIT),
)
#: Pages of the desk; a page more is a router more.
PAGES: tuple[APIRouter, ...] = (
    login.router,
    login_oidc.router,
    queue.router,
    acts.router,
    alert.router,
    audit.router,
)
_A_YEAR_S = 365 * 86_400


def build_desk(site: Site, *, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """Build the desk.

    Parameters
    ----------
    site
        Settings, store and clock.
    routers
        What is served besides the desk's own pages: the API, map tiles, SensorThings.
        Each says who may read it; that changes are meant is checked for all.
    """
    app = FastAPI(
        title="agroforest",
        version=__version__,
        openapi_url=None,  # the API describes itself
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(guard)],
    )
    app.state.site = site
    # A part may do better than a page; what is asked for most is looked for first.
    for router in (queue.router, *routers, *(p for p in PAGES if p != queue.router)):
        app.include_router(router)
    app.include_router(build_liveness())
    folder = Path(str(files("agroforest.web").joinpath("static")))
    app.mount("/static", _Static(directory=folder), name="static")
    add_faults(app)
    served = {
        getattr(route, "path", "")
        for router in (*PAGES, *routers)
        for route in router.routes
    }
    site.nav = tuple(entry for entry in NAV if entry.path in served)
    app.add_middleware(Shield, secure=site.secure)
    if site.hosts:
        hosts = list(site.hosts)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return app


class _Static(StaticFiles):
    """Files whose addresses change with their content: browsers may keep them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer, and say how long it may be kept."""
        response = await super().get_response(path, scope)
        if response.status_code == 200 and b"v=" in scope.get("query_string", b""):
            keep = f"public, max-age={_A_YEAR_S}, immutable"
            response.headers["Cache-Control"] = keep
        return response

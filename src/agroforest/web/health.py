"""What programs that watch the desk ask: does it live, can it work, how does it stand.

``/healthz`` and ``/readyz`` are for everybody and say nothing that is not. ``/metrics``
needs a token or a session that may see cases, from this machine, too: behind a proxy
every request comes from this machine.
"""

from pathlib import Path

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from agroforest.core.account import Right
from agroforest.health.metrics import CONTENT_TYPE, render_metrics
from agroforest.health.readiness import find_obstacles
from agroforest.health.standing import read_standing
from agroforest.web.access import need
from agroforest.web.site import Remembered, Site

#: Seconds for which an answer serves whoever else asks. Arbitrary.
_READY_S, _METRICS_S = 2.0, 10.0


def build_liveness() -> APIRouter:
    """Build what needs neither database nor work folder."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    return router


def build_router(site: Site, work: Path) -> APIRouter:
    """Build what is asked of the store and the work folder.

    Parameters
    ----------
    site
        The desk.
    work
        The work folder.
    """
    router = APIRouter(include_in_schema=False)
    obstacles = Remembered(lambda: find_obstacles(site.store, work), _READY_S)

    def render() -> bytes:
        return render_metrics(read_standing(site.store, work, site.now()))

    figures = Remembered(render, _METRICS_S)

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        """Say whether the desk can work, and if not, why."""
        found = obstacles()
        status = "not ready" if found else "ok"
        body = {"status": status, "reasons": found}
        return JSONResponse(body, status_code=503 if found else 200)

    @router.get("/metrics", dependencies=[Depends(need(Right.SEE_CASES))])
    def metrics() -> Response:
        """Give figures for Prometheus."""
        return Response(figures(), media_type=CONTENT_TYPE)

    return router

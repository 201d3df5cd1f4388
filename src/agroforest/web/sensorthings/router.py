"""The service over HTTP, as a router that any application can mount."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from agroforest.store import Store
from agroforest.web.sensorthings.endpoint import Answer, Endpoint

#: Root of the service below where the router is mounted.
ROOT = "/v1.1"

_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_JSON = "application/json"


def _clock() -> datetime:
    return datetime.now(UTC)


def build_router(
    store: Store, *, url: str | None = None, now: Callable[[], datetime] = _clock
) -> APIRouter:
    """Build the router of ``/v1.1`` and everything below.

    Parameters
    ----------
    store
        Open; closed by whoever opened it.
    url
        Address of the service for its links, ``https://example.org/v1.1``; unless
        given, that of each request.
    now
        The clock, UTC.
    """
    endpoint = Endpoint(store)
    router = APIRouter(tags=["SensorThings 1.1"])

    # Not asynchronous: FastAPI then runs it beside the loop, which a query would stop.
    def read(request: Request, path: str = "") -> Response:
        """Read Things, Datastreams, Observations and the like (OGC 18-088)."""
        root = url or _find_root(request, path)
        if root is None:
            return Response("the header Host is no host", 400, media_type="text/plain")
        query = request.scope.get("query_string", b"").decode("latin-1")
        return _respond(endpoint.answer(path, query, root=root.rstrip("/"), now=now()))

    for route in (ROOT, ROOT + "/{path:path}"):
        router.add_api_route(
            route,
            read,
            methods=["GET"],
            response_class=Response,
            operation_id=f"sensorthings{'_path' * route.endswith('}')}",
        )
    return router


def _find_root(request: Request, path: str) -> str | None:
    """Address that the request was sent to, up to the root."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        return None
    whole: str = request.scope["path"]
    above = whole.removesuffix(path) if path else whole
    return f"{request.scope['scheme']}://{host}{above.rstrip('/')}"


def _respond(answer: Answer) -> Response:
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, media_type="text/plain")
    text = json.dumps(answer.body, ensure_ascii=False, allow_nan=False)
    return Response(text, answer.status, media_type=_JSON)

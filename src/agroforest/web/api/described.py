"""The API described by itself: OpenAPI 3.1, and a page that lists it."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.routing import BaseRoute

from agroforest import __version__
from agroforest.web.access import LoginNeededError, Visit, cookie_names, visiting
from agroforest.web.api.shapes import Problem
from agroforest.web.pages.layout import render
from agroforest.web.site import Site

#: Where the API is; a change that breaks programs gets another number.
PREFIX = "/api/v1"
_REFERENCE = "#/components/schemas/{model}"
_ABOUT = """\
Everything that the review desk shows, for programs.

* **Who asks**: `Authorization: Bearer` and a token (`POST /api/v1/tokens`, or
  `agroforest account token`), or a session of the desk. A session's changes also
  need the header `X-CSRF-Token`.
* **Acts** name the version of the case that they were decided on; who is late gets 409
  and reads who did what.
* **Errors** are problem details (RFC 9457).
* Without the right `places:exact`, outlines are cells of 0.01° that cover them.
"""
_TAGS = {
    "cases": "The queue, and acts on it.",
    "accounts": "People.",
    "tokens": "What stands for you in programs.",
    "audit": "Who did what, each entry bound to the one before it.",
    "messages": "What was sent to whom, and how far it is.",
    "thresholds": "From which probability on a case is worth a look.",
    "nights": "What nights did, and what they lack.",
    "sensors": "How each sensor is.",
    "parcels": "Tonight's advice on water.",
    "warnings": "CAP 1.2 and Atom, coarse, for the public.",
    "rasters": "SpatioTemporal Asset Catalog, STAC API 1.0.0.",
}


def build_router(site: Site, routes: Sequence[BaseRoute]) -> APIRouter:
    """Build the router of the description of routes."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    known = tuple(routes)

    @cache
    def document() -> dict[str, Any]:
        """Describe them when somebody asks: a desk opens sooner."""
        return describe(site, known)

    async def may_read(visit: Annotated[Visit, Depends(visiting)]) -> Visit:
        if visit.caller is None and site.bureau.settings.web.api != "open":
            raise LoginNeededError
        return visit

    @router.get("/openapi.json", dependencies=[Depends(may_read)])
    def show_description() -> Response:
        """Describe the API to programs."""
        return JSONResponse(document(), media_type="application/openapi+json")

    @router.get("/docs")
    def show_page(
        request: Request, visit: Annotated[Visit, Depends(may_read)]
    ) -> HTMLResponse:
        """Describe the API to people."""
        groups = [
            (tag, about, _list_operations(document(), tag))
            for tag, about in _TAGS.items()
        ]
        return render(
            request,
            visit,
            "api.html",
            groups=[group for group in groups if group[2]],
            document=f"{PREFIX}/openapi.json",
        )

    return router


def describe(site: Site, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Describe routes by OpenAPI 3.1."""
    document = get_openapi(
        title="agroforest",
        version=__version__,
        openapi_version="3.1.0",
        summary="A review desk for forest and farm alerts",
        description=_ABOUT,
        routes=routes,
        tags=[{"name": name, "description": about} for name, about in _TAGS.items()],
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
    )
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template=_REFERENCE)
    session, _ = cookie_names(site)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": session},
    }
    document["security"] = [{"token": []}, {"session": []}]
    return document


def _list_operations(document: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    """List method, path, summary and parameters of what bears a tag."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "about": operation.get("description", operation.get("summary", "")),
            "asked": [
                (each["name"], each.get("description", ""))
                for each in operation.get("parameters", ())
            ],
        }
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if tag in operation.get("tags", ())
    ]

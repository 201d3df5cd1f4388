"""Rasters as a SpatioTemporal Asset Catalog: STAC API 1.0.0 with item search."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from agroforest.core.account import Right
from agroforest.web.access import Visit, need
from agroforest.web.api.answers import BODY, FAULTS, Answers
from agroforest.web.api.stac_documents import (
    COG,
    CONFORMS,
    GEOJSON,
    PREFIX,
    build_catalogue,
    build_collection,
    build_item,
    build_page,
)
from agroforest.web.api.stac_rasters import (
    Collection,
    Raster,
    Rasters,
    list_files,
    read_item,
)
from agroforest.web.api.stac_search import Search, find_page, read_query, read_search

_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
_Id = Annotated[str, Path(max_length=200)]
_Word = Annotated[str, Query(max_length=5000)]
_Many = Annotated[int, Query(ge=1, le=500)]
_ITEMS: Answers = {200: {"description": "Items.", "content": {GEOJSON: {}}}}
_FILE: Answers = {
    200: {"description": "The file.", "content": {COG: {}}},
    206: {"description": "The part of it asked for.", "content": {COG: {}}},
    416: {
        "description": "It has no such part.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
}


class _GeoJson(JSONResponse):
    media_type = GEOJSON


def build_router(rasters: Rasters) -> APIRouter:
    """Build the router of everything below ``/stac``."""
    router = APIRouter(prefix=PREFIX, tags=["rasters"], responses=FAULTS)
    counter = _Counter(rasters)
    item = "/collections/{collection}/items/{id}"
    for path, read in (
        ("", counter.show_catalogue),
        ("/conformance", counter.show_conformance),
        ("/collections", counter.list_collections),
        ("/collections/{collection}", counter.show_collection),
    ):
        router.add_api_route(path, read, methods=["GET"])
    for path, method, answer in (
        ("/collections/{collection}/items", "GET", counter.list_items),
        (item, "GET", counter.show_item),
        ("/search", "GET", counter.search),
        ("/search", "POST", counter.search_by_body),
    ):
        router.add_api_route(
            path,
            answer,
            methods=[method],
            response_class=_GeoJson,
            responses=_ITEMS | BODY if method == "POST" else _ITEMS,
        )
    for method in ("GET", "HEAD"):
        router.add_api_route(
            "/assets/{collection}/{id}/{file}",
            counter.hand_out,
            methods=[method],
            response_class=FileResponse,
            responses=_FILE,
            include_in_schema=method == "GET",
        )
    return router


class _Counter:
    """Where requests are answered. Not asynchronous: reading would stop the loop."""

    def __init__(self, rasters: Rasters) -> None:
        self._rasters = rasters

    def show_catalogue(self, request: Request, visit: _See) -> dict[str, Any]:
        """Show where everything is."""
        settings = visit.site.bureau.settings
        title = visit.words.pick((settings.title_zh, settings.title_en))
        return build_catalogue(_root(request), title, self._list(visit))

    def show_conformance(self, visit: _See) -> dict[str, Any]:  # noqa: ARG002
        """Say what of the standards holds here."""
        return {"conformsTo": list(CONFORMS)}

    def list_collections(self, request: Request, visit: _See) -> dict[str, Any]:
        """List collections: index maps and risk maps of each pipeline."""
        root = _root(request)
        return {
            "collections": [build_collection(root, c) for c in self._list(visit)],
            "links": [
                {
                    "rel": rel,
                    "href": f"{root}{PREFIX}{path}",
                    "type": "application/json",
                }
                for rel, path in (("self", "/collections"), ("root", ""))
            ],
        }

    def show_collection(
        self, request: Request, visit: _See, collection: _Id
    ) -> dict[str, Any]:
        """Show a collection."""
        return build_collection(_root(request), self._find(visit, collection))

    def list_items(
        self,
        request: Request,
        visit: _See,
        collection: _Id,
        *,
        bbox: _Word = "",
        datetime: _Word = "",
        limit: _Many = 10,
        token: _Word = "",
    ) -> Response:
        """List the items of a collection, the newest first."""
        self._find(visit, collection)
        search = _ask(bbox=bbox, datetime=datetime, limit=limit, token=token)
        search = search.model_copy(update={"collections": (collection,)})
        return self._answer(request, visit, search)

    def show_item(
        self,
        request: Request,
        visit: _See,
        collection: _Id,
        id: _Id,  # noqa: A002
    ) -> Response:
        """Show an item."""
        raster = self._find_raster(visit, collection, id)
        return _GeoJson(build_item(_root(request), raster))

    def search(
        self,
        request: Request,
        visit: _See,
        *,
        bbox: _Word = "",
        intersects: _Word = "",
        datetime: _Word = "",
        collections: _Word = "",
        ids: _Word = "",
        limit: _Many = 10,
        token: _Word = "",
    ) -> Response:
        """Search items, the newest first; lists are written with commas."""
        search = _ask(
            bbox=bbox,
            intersects=intersects,
            datetime=datetime,
            collections=collections,
            ids=ids,
            limit=limit,
            token=token,
        )
        return self._answer(request, visit, search)

    def search_by_body(self, request: Request, visit: _See, search: Search) -> Response:
        """Search items, the newest first."""
        return self._answer(request, visit, search)

    def hand_out(
        self,
        visit: _See,
        collection: _Id,
        id: _Id,  # noqa: A002
        file: _Id,
    ) -> FileResponse:
        """Hand out a file of an item, or a part of it (`Range`)."""
        raster = self._find_raster(visit, collection, id)
        files = list_files(raster, read_item(raster)).values()
        path = next((each for each in files if each.name == file), None)
        if path is None:
            raise HTTPException(404, f"{id} has no file {file}")
        keep = {"Cache-Control": "private, max-age=300"}
        return FileResponse(path, media_type=COG, headers=keep)

    def _answer(self, request: Request, visit: Visit, search: Search) -> Response:
        wanted = read_search(search)
        parts = [
            list(each.rasters.values())
            for each in self._list(visit)
            if search.collections is None or each.id in search.collections
        ]
        page, token = find_page(parts, wanted)
        links = [_link_next(request, search, token)] if token else []
        return _GeoJson(build_page(_root(request), page, links))

    def _list(self, visit: Visit) -> list[Collection]:
        return self._rasters.collections(exact=visit.may(Right.SEE_EXACT))

    def _find(self, visit: Visit, name: str) -> Collection:
        found = self._rasters.find(name, exact=visit.may(Right.SEE_EXACT))
        if found is None:
            raise HTTPException(404, f"there is no collection {name}")
        return found

    def _find_raster(self, visit: Visit, collection: str, name: str) -> Raster:
        found = self._find(visit, collection).rasters.get(name)
        if found is None:
            raise HTTPException(404, f"there is no item {name}")
        return found


def _ask(**written: Any) -> Search:  # noqa: ANN401  as the query has it
    return read_query(**{key: value for key, value in written.items() if value})


def _link_next(request: Request, search: Search, token: str) -> dict[str, Any]:
    address = f"{_root(request)}{request.url.path}"
    if request.method == "POST":
        body = search.model_copy(update={"token": token})
        return {
            "rel": "next",
            "href": address,
            "type": GEOJSON,
            "method": "POST",
            "body": body.model_dump(exclude_none=True, mode="json"),
        }
    query = [(k, v) for k, v in request.query_params.multi_items() if k != "token"]
    query.append(("token", token))
    return {"rel": "next", "href": f"{address}?{urlencode(query)}", "type": GEOJSON}


def _root(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"

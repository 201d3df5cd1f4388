"""Tiles, capabilities and styles over HTTP, as a router that the desk mounts."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import NamedTuple

from fastapi import APIRouter, Depends, Request, Response

from agroforest.maps.qml import write_qml
from agroforest.web.lanes import Lane
from agroforest.web.tiles.layers import Cover, Layer, Shelf
from agroforest.web.tiles.render import DEEPEST, Drawer, render
from agroforest.web.tiles.source import Sources
from agroforest.web.tiles.wmts import find_box, write_capabilities

_NUMBER = re.compile(r"[0-9]{1,9}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
# Tiles that are drawn at once. Arbitrary; GDAL and numpy mostly run beside Python.
_AT_ONCE = 2
# A map of a day can still grow while its night runs; a browser asks again after this.
_CACHE = "private, max-age=300"


def build_router(
    shelf: Shelf,
    *,
    admit: Callable[[Request], Awaitable[object]],
    may_see_exact: Callable[[Request], bool],
    prefix: str = "/tiles",
) -> APIRouter:
    """Build the router of everything below `prefix`.

    Parameters
    ----------
    shelf
        The layers.
    admit
        Turns whoever may see nothing at all away, by an error.
    may_see_exact
        Whether whoever was admitted may see where exactly alerts are.
    prefix
        Where it is mounted.
    """
    router = APIRouter(prefix=prefix, tags=["tiles"], dependencies=[Depends(admit)])
    counter = _Counter(shelf, may_see_exact, prefix)

    # Past FastAPI, as `agroforest.web.access.page`.
    async def answer(request: Request) -> Response:
        await admit(request)
        return await counter.tile(request)

    tile = f"{prefix}/{{pipeline}}/{{name}}/{{day}}/{{z}}/{{x}}/{{y}}.png"
    router.add_route(tile, answer, methods=["GET"], include_in_schema=False)
    for path, read in (
        ("/WMTSCapabilities.xml", counter.capabilities),
        ("/{pipeline}/{name}/style.qml", counter.style),
    ):
        router.add_api_route(path, read, methods=["GET"], response_class=Response)
    return router


class _Place(NamedTuple):
    """A tile, as addresses name it."""

    x: int
    y: int
    z: int

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "_Place | None":
        """Read it from an address; ``None`` if that names no tile."""
        numbers = (asked["x"], asked["y"], asked["z"])
        if not all(_NUMBER.fullmatch(number) for number in numbers):
            return None
        place = cls._make(map(int, numbers))
        return place if place.is_one else None

    @property
    def is_one(self) -> bool:
        """Whether there is such a tile."""
        count = 1 << self.z if 0 <= self.z <= DEEPEST else 0
        return 0 <= self.x < count and 0 <= self.y < count


class _Counter:
    """Where requests are answered."""

    def __init__(
        self, shelf: Shelf, may_see_exact: Callable[[Request], bool], prefix: str
    ) -> None:
        self._shelf = shelf
        self._may_see_exact = may_see_exact
        self._prefix = prefix
        self._drawer, self._sources = Drawer(), Sources()
        self._lane = Lane(_AT_ONCE)

    async def tile(self, request: Request) -> Response:
        """Read a map tile in web mercator: of each place the newest up to a day."""
        asked = request.path_params
        place, day = _Place.read(asked), _read_day(asked["day"])
        if place is None or day is None:
            return _nothing()
        pipeline, name = asked["pipeline"], asked["name"]
        known = self._shelf.recall(pipeline, name, day)
        if known is not None:  # what is drawn needs no thread, and does not wait
            answer = self._answer(request, *known, place)
            if answer is not None:
                return answer
        return await self._lane.run(self._draw, request, pipeline, name, day, place)

    def _answer(
        self, request: Request, layer: Layer, cover: Cover, place: "_Place"
    ) -> Response | None:
        """Answer with what is drawn; ``None`` if it is not."""
        if layer.exact and not self._may_see_exact(request):
            return _nothing()
        headers = {"ETag": f'"{cover.version}"', "Cache-Control": _CACHE}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        found = self._drawer.get(cover.version, *place)
        if found is None:
            return None
        return Response(found, media_type="image/png", headers=headers)

    def _draw(
        self, request: Request, pipeline: str, name: str, day: date, place: "_Place"
    ) -> Response:
        layer = self._find(request, pipeline, name)
        if layer is None:
            return _nothing()
        cover = self._shelf.cover(layer, day)
        answer = self._answer(request, layer, cover, place)
        if answer is not None:
            return answer
        files = cover.under(find_box(*place))
        found = render(self._sources, files, *place, layer.style)
        self._drawer.put(cover.version, *place, found)
        headers = {"ETag": f'"{cover.version}"', "Cache-Control": _CACHE}
        return Response(found, media_type="image/png", headers=headers)

    def capabilities(self, request: Request) -> Response:
        """Read the layers as WMTS 1.0.0."""
        host = request.headers.get("host", "")
        if not _HOST.fullmatch(host):
            return Response("the header Host is no host", 400, media_type="text/plain")
        exact = self._may_see_exact(request)
        seen = [each for each in self._shelf.layers() if exact or not each.exact]
        root = f"{request.scope['scheme']}://{host}{self._prefix}"
        text = write_capabilities(seen, root=root)
        return Response(text, media_type="application/xml")

    def style(self, request: Request, pipeline: str, name: str) -> Response:
        """Read the style of a layer for QGIS."""
        layer = self._find(request, pipeline, name)
        if layer is None:
            return _nothing()
        headers = {"Content-Disposition": f'attachment; filename="{layer.name}.qml"'}
        text = write_qml(layer.style)
        return Response(text, media_type="application/xml", headers=headers)

    def _find(self, request: Request, pipeline: str, name: str) -> Layer | None:
        layer = self._shelf.find(pipeline, name)
        if layer is None or (layer.exact and not self._may_see_exact(request)):
            return None
        return layer


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _nothing() -> Response:
    return Response("there is no such map", 404, media_type="text/plain")

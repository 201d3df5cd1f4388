"""The map: rasters, alerts, parcels and sensors, without a base map from elsewhere."""

import json
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from agroforest.core.account import Right
from agroforest.core.errors import DataError
from agroforest.maps.assets import read_script, read_style
from agroforest.web.access import Visit, need
from agroforest.web.pages.filters import Filters, list_choices
from agroforest.web.pages.layout import address, render, speech_of
from agroforest.web.pages.map_data import (
    Ground,
    Json,
    collect,
    feature,
    read_box,
    show_case,
    show_sensors,
)
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.tiles import Layer, Shelf
from agroforest.web.tiles.render import DEEPEST
from agroforest.web.views import view_row

_PATH = "/map"
#: Alerts drawn at once; the rest is counted, up to so many.
_MOST, _COUNTED = 500, 2000
#: Colours of a legend.
_STOPS = 6
#: What the map's script is told in words.
_WORDS = (
    *("map.canvas", "map.shown", "map.rest", "map.none", "map.failed", "map.open"),
    *("map.in", "map.out", "map.close", "map.simulated"),
)
_YEAR_S = 365 * 86_400
_MEDIA = {"js": "text/javascript", "css": "text/css"}
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]


def build_router(nights: Nights, shelf: Shelf, ground: Ground) -> APIRouter:
    """Build the router of the map's page and of what it draws."""
    router = APIRouter(include_in_schema=False)

    # None is asynchronous: reading files and the store would stop the loop.
    @router.get(_PATH)
    def show_map(request: Request, visit: _See) -> HTMLResponse:
        """Show the frame that the map's script fills."""
        filters = Filters.read(request.query_params)
        exact = visit.may(Right.SEE_EXACT)
        layers = [x for x in shelf.layers() if exact or not x.exact]
        return render(
            request,
            visit,
            "map.html",
            filters=filters,
            asked=filters.asked,
            action=_PATH,
            options=list_choices(visit, filters),
            layers=layers,
            data=json.dumps(
                {
                    "words": {key: visit.words(key) for key in _WORDS},
                    "language": visit.words.language,
                    "box": ground.box,
                    "deepest": DEEPEST,
                    "layers": [_plain(layer, visit) for layer in layers],
                },
                ensure_ascii=False,
            ),
            maps=_list_maps(nights) if exact else [],
            exact=exact,
            leaflet=(asset_address("leaflet.js"), asset_address("leaflet.css")),
            queue=address("/queue", **filters.asked),
        )

    @router.get(f"{_PATH}/alerts.json")
    def show_alerts(request: Request, visit: _See, box: str = "") -> JSONResponse:
        """Say which alerts a box holds, the most pressing first."""
        exact = visit.may(Right.SEE_EXACT)
        asked = read_box(box, exact=exact)
        if asked is None:
            raise HTTPException(422)
        return JSONResponse(find_alerts(request, visit, asked))

    @router.get(f"{_PATH}/ground.json")
    def show_ground(visit: _See) -> JSONResponse:
        """Say what lies under the alerts."""
        exact = visit.may(Right.SEE_EXACT)
        parcels = collect([])
        if visit.may(Right.SEE_PARCELS):
            parcels = ground.parcels(_find_advice(nights), exact=exact)
        sensors = visit.site.store.sensors()
        return JSONResponse(
            {
                "counties": ground.counties,
                "areas": ground.areas(exact=exact),
                "parcels": parcels,
                "sensors": show_sensors(sensors, exact=exact),
            }
        )

    @router.get(f"{_PATH}/assets/{{name}}")
    def show_asset(name: str) -> Response:
        """Serve the library that draws the map; nobody's secret."""
        if name not in {"leaflet.js", "leaflet.css"}:
            raise HTTPException(404)
        return Response(
            _read_asset(name),
            media_type=f"{_MEDIA[name.rpartition('.')[2]]}; charset=utf-8",
            headers={"Cache-Control": f"public, max-age={_YEAR_S}, immutable"},
        )

    return router


def find_alerts(
    request: Request, visit: Visit, box: tuple[float, float, float, float]
) -> Json:
    """Find the alerts of a box that the filters of a request let through."""
    desk, exact = visit.site.store.desk, visit.may(Right.SEE_EXACT)
    speech, name_of = speech_of(visit), visit.site.title_of
    filters = Filters.read({**request.query_params, "order": "", "after": ""})
    asked = filters.query(speech.today)
    query = replace(asked, box=box, limit=_MOST)
    rows = desk.queue(query).rows
    total = len(rows)
    if total == _MOST:
        total = desk.count(query, limit=_COUNTED)
    cases = desk.cases([row.id for row in rows])
    features = []
    for row in rows:
        case = cases.get(row.id)
        if case is None:
            continue
        assignee = name_of(row.assignee) if row.assignee else ""
        view = view_row(row, speech, assignee=assignee)
        said = f"{view.area} · {view.first} · {view.age}"
        features.append(
            feature(
                show_case(case, exact=exact, box=box),
                id=view.id,
                hazard=view.hazard,
                stage=view.stage,
                name=view.name,
                stage_name=view.stage_name,
                lines=[
                    line
                    for line in (
                        view.place,
                        said,
                        view.probability,
                        view.verdict,
                        view.assignee,
                        view.due,
                    )
                    if line
                ],
                fake=visit.site.bureau.is_simulated(row.pipeline),
            )
        )
    more = "+" if total >= _COUNTED else ""
    return {**collect(features), "total": total, "said": f"{total:,}{more}"}


def asset_address(name: str) -> str:
    """Address of a file of the map's library; another one when its content changes."""
    digest = sha256(_read_asset(name).encode()).hexdigest()[:12]
    return f"{_PATH}/assets/{name}?v={digest}"


@cache
def _read_asset(name: str) -> str:
    return read_script(name) if name.endswith(".js") else read_style(name)


def _plain(layer: Layer, visit: Visit) -> dict[str, Any]:
    """Put a layer as the map's script wants it."""
    words, style = visit.words, layer.style
    pipeline = visit.site.bureau.pipelines.get(layer.pipeline)
    return {
        "address": f"/tiles/{layer.pipeline}/{layer.name}/",
        "title": f"{words.pick(style.title)} · {layer.pipeline}",
        "days": [day.isoformat() for day in sorted(layer.days, reverse=True)],
        "stops": [
            [f"{value:g}", f"rgb{color}"] for value, color in style.stops(_STOPS)
        ],
        "credit": "" if pipeline is None else "; ".join(pipeline.map.attribution),
    }


def _list_maps(nights: Nights) -> list[tuple[str, str, Any]]:
    """Pipeline, address and night of the newest map of each."""
    found = ((name, nights.find_map(name)) for name in nights.pipelines)
    return [
        (name, f"/runs/{name}/{night}/map.html", night)
        for name, night in found
        if night is not None
    ]


def _find_advice(nights: Nights) -> dict[str, Json]:
    """Find tonight's advice by parcel; none where its file is damaged."""
    found: dict[str, Json] = {}
    for pipeline in nights.pipelines:
        try:
            document = nights.read_water(pipeline)
        except DataError:
            continue
        if document is not None:
            found |= {str(p["id"]): p for p in document["parcels"]}
    return found

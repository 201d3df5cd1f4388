"""From records to the one block of JSON that the page's script draws."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import Alert
from agroforest.core.aoi import Place
from agroforest.core.reading import Sensor
from agroforest.core.risk import Hazard, RiskMap
from agroforest.core.units import MU_PER_HA
from agroforest.core.words import hazard_words
from agroforest.maps.chart import HEIGHT, WIDTH, build_charts, sensor_state
from agroforest.maps.colors import ALERT_AGES, index_palette, risk_palette
from agroforest.maps.page import IndexLayer, MapPage, SensorSeries
from agroforest.maps.raster import (
    Picture,
    choose_pixel,
    draw_index,
    draw_risk,
    draw_strip,
)

_DIGITS = 6  # of a degree: a decimetre
_LONGEST_TEXT = 400  # characters; no name is longer, an attack may be

Json = dict[str, Any]


def build_data(page: MapPage) -> Json:
    """Everything the page shows, JSON-ready, in an order that never changes."""
    grids = [r.grid for r in page.risks] + [layer.grid for layer in page.indices]
    store = _Pictures(pixel=choose_pixel(grids))
    return {
        "title": both(page.title_zh, page.title_en),
        "subtitle": both(page.subtitle_zh, page.subtitle_en),
        "night": page.night.isoformat(),
        "nights": [n.isoformat() for n in page.slider],
        "pipeline": text(page.pipeline),
        "model": text(page.model),
        "version": text(page.version),
        "simulated": page.simulated or any(s.sensor.simulated for s in page.sensors),
        "ruleBased": page.rule_based,
        "staleDays": page.stale_days,
        "bounds": _bounds(page),
        "layers": _risk_layers(page, store) + _index_layers(page, store),
        "area": rings(page.aoi.area),
        "places": [_place(p) for p in page.aoi.places],
        "alertAges": [{"days": d, "color": c} for d, c in ALERT_AGES],
        "alerts": _alerts(page),
        "sensors": [_sensor(s, page.utc_offset_hours) for s in page.sensors],
        "chart": {"width": WIDTH, "height": HEIGHT},
        "utcOffset": page.utc_offset_hours,
        "notices": [both(n.zh, n.en) for n in page.notices],
        "attribution": [text(a) for a in page.attribution],
        "pictures": store.uris,
        **({"once": True} if page.once else {}),
    }


class _Pictures:
    """Data URIs, each kept once: a night without new images repeats the last."""

    def __init__(self, *, pixel: float) -> None:
        self.pixel = pixel
        self.uris: list[str] = []
        self._number: dict[str, int] = {}

    def frame(self, picture: Picture, image: date, night: date) -> Json:
        return {
            "picture": self.number(picture.uri),
            "corners": picture.corners,
            "night": night.isoformat(),
            "image": image.isoformat(),
        }

    def number(self, uri: str) -> int:
        if uri not in self._number:
            self._number[uri] = len(self.uris)
            self.uris.append(uri)
        return self._number[uri]


def _risk_layers(page: MapPage, store: _Pictures) -> list[Json]:
    by_hazard: dict[Hazard, list[RiskMap]] = {}
    for risk in sorted(page.risks, key=lambda r: (r.hazard, r.tile, r.night)):
        if risk.night <= page.night:
            by_hazard.setdefault(risk.hazard, []).append(risk)
    layers: list[Json] = []
    for hazard, risks in sorted(by_hazard.items(), key=_hazard_order):
        tiles: dict[str, list[Json]] = {}
        for risk, night in _each_night(risks, page.slider):
            aged = risk.patch(night=night)
            picture = draw_risk(aged, stale_days=page.stale_days, pixel=store.pixel)
            frame = store.frame(picture, risk.night, night)
            tiles.setdefault(text(risk.tile), []).append(frame)
        layers.append(
            {
                "id": f"risk:{hazard}",
                "kind": "risk",
                "title": both(*hazard_words(hazard).layer),
                "shown": not layers,  # one risk at a time, or they hide each other
                "opacity": 0.85,
                "tiles": tiles,
                "legend": {
                    "strip": store.number(draw_strip(risk_palette())),
                    "ticks": _risk_ticks(risks),
                    "unit": "%",
                    "models": sorted({text(r.model) for r in risks}),
                },
            }
        )
    return layers


def _each_night(
    risks: Sequence[RiskMap], nights: Sequence[date]
) -> Iterator[tuple[RiskMap, date]]:
    """Pair each night with each tile's newest map up to it.

    A map that stays the newest for weeks grows old: what was healthy when it was
    made must turn into "no clear image" as the nights pass.
    """
    for tile in sorted({r.tile for r in risks}):
        own = [r for r in risks if r.tile == tile]
        for night in nights:
            known = [r for r in own if r.night <= night]
            if known:
                yield known[-1], night


def _risk_ticks(risks: Sequence[RiskMap]) -> list[Json]:
    thresholds = sorted({round(r.threshold, 4) for r in risks})
    marks = [tick(t, f"{t * 100:.3g}", "threshold") for t in thresholds if 0 < t < 1]
    return [tick(0, "0", "end"), *marks, tick(1, "100", "end")]


def _index_layers(page: MapPage, store: _Pictures) -> list[Json]:
    by_name: dict[str, list[IndexLayer]] = {}
    for layer in page.indices:
        if layer.night <= page.night:
            by_name.setdefault(layer.name, []).append(layer)
    layers: list[Json] = []
    for name, members in by_name.items():
        members.sort(key=lambda m: (m.tile, m.night))
        first = members[0]
        _refuse_mixed_scales(name, members)
        palette = index_palette(first.colormap)
        tiles: dict[str, list[Json]] = {}
        for m in members:
            picture = draw_index(
                m.values,
                m.grid,
                palette=palette,
                vmin=m.vmin,
                vmax=m.vmax,
                pixel=store.pixel,
            )
            frame = store.frame(picture, m.image or m.night, m.night)
            tiles.setdefault(text(m.tile), []).append(frame)
        layers.append(
            {
                "id": f"index:{text(name)}",
                "kind": "index",
                "title": both(first.title_zh, first.title_en),
                "shown": any(m.shown for m in members),
                "opacity": 0.85,
                "tiles": tiles,
                "legend": {
                    "strip": store.number(draw_strip(palette)),
                    "ticks": _index_ticks(first.vmin, first.vmax),
                    "unit": text(first.unit),
                    "models": [],
                },
            }
        )
    return layers


def _refuse_mixed_scales(name: str, members: Iterable[IndexLayer]) -> None:
    scales = {(m.vmin, m.vmax, m.colormap, m.unit) for m in members}
    if len(scales) > 1:
        raise ValueError(f"layers of {name!r} have {len(scales)} different scales")


def _index_ticks(vmin: float, vmax: float) -> list[Json]:
    middle = (vmin + vmax) / 2
    return [
        tick(0, f"≤ {_number(vmin)}", "end"),
        tick(0.5, _number(middle), "middle"),
        tick(1, f"≥ {_number(vmax)}", "end"),
    ]


def tick(at: float, label: str, kind: str) -> Json:
    """Mark of a legend; `at` runs from 0 to 1."""
    return {"at": at, "label": label, "kind": kind}


def _alerts(page: MapPage) -> list[Json]:
    places = {p.id: p for p in page.aoi.places}
    known = [a for a in page.alerts if a.first_night <= page.night]
    known.sort(key=lambda a: (-a.first_night.toordinal(), -a.area_ha, a.id))
    return [_alert(a, places) for a in known]


def _alert(alert: Alert, places: Mapping[str, Place]) -> Json:
    point = shapely.point_on_surface(alert.geometry)
    words = hazard_words(alert.hazard)
    return {
        "id": text(alert.id),
        "name": both(*words.name),
        "says": both(*words.sentence),
        "status": alert.status.value,
        "area": area(alert.area_ha),
        "probability": None
        if alert.probability is None
        else round(alert.probability, 3),
        "model": text(alert.model),
        "first": alert.first_night.isoformat(),
        "last": alert.last_night.isoformat(),
        "since": alert.since.isoformat(),
        "evidence": alert.evidence.isoformat(),
        "changed": alert.changed.isoformat(),
        "places": [
            both(places[i].name_zh, places[i].name_en) if i in places else both(i, i)
            for i in alert.places
        ],
        "at": [round(point.y, _DIGITS), round(point.x, _DIGITS)],
        "rings": rings(alert.geometry),
    }


def area(hectares: float) -> Json:
    """Hectares and mu."""
    return {"ha": round(hectares, 2), "mu": round(hectares * MU_PER_HA, 1)}


def _sensor(series: SensorSeries, utc_offset_hours: int) -> Json:
    sensor = series.sensor
    return {
        "id": text(sensor.id),
        "name": text(sensor.name),
        "simulated": sensor.simulated,
        "at": _position(sensor),
        "state": sensor_state(series.readings),
        "charts": build_charts(series.readings, utc_offset_hours=utc_offset_hours),
    }


def _position(sensor: Sensor) -> list[float] | None:
    """Latitude and longitude, or nothing if either is absent or not on earth."""
    if sensor.latitude is None or sensor.longitude is None:
        return None
    if not (abs(sensor.latitude) <= 90 and abs(sensor.longitude) <= 180):
        return None
    return [round(sensor.latitude, _DIGITS), round(sensor.longitude, _DIGITS)]


def _place(place: Place) -> Json:
    return {
        "id": text(place.id),
        "kind": place.kind.value,
        "name": both(place.name_zh, place.name_en),
        "cover": text(place.cover),
        "rings": rings(place.geometry),
    }


def _bounds(page: MapPage) -> list[list[float]]:
    """Corners of what the map shows first, the area of interest."""
    west, south, east, north = page.aoi.area.bounds
    return [
        [round(v, _DIGITS) for v in pair] for pair in ((south, west), (north, east))
    ]


def rings(geometry: BaseGeometry) -> list[list[list[list[float]]]]:
    """Polygons, each its outer ring and holes, points as latitude, longitude."""
    parts = [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"]
    return [[_ring(r) for r in (p.exterior, *p.interiors)] for p in parts]


def _ring(ring: BaseGeometry) -> list[list[float]]:
    rounded = shapely.get_coordinates(ring).round(_DIGITS)[:-1, ::-1]
    points: list[list[float]] = rounded.tolist()
    return points


def _hazard_order(item: tuple[Hazard, object]) -> int:
    return list(Hazard).index(item[0])


def both(zh: str, en: str) -> Json:
    """Text by language, each standing in for the other."""
    return {"zh": text(zh) or text(en), "en": text(en) or text(zh)}


def text(value: str) -> str:
    """Text that UTF-8 can hold, of a length a page can show."""
    clean = str(value).encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= _LONGEST_TEXT else clean[: _LONGEST_TEXT - 1] + "…"


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")

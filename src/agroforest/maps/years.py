"""Comparisons with the year before, added to what a page shows."""

from collections.abc import Sequence
from typing import Any

from agroforest.maps.colors import risk_palette
from agroforest.maps.layers import both, text, tick
from agroforest.maps.page import LikelyCause, MapPage, YearLayer
from agroforest.maps.raster import choose_pixel, draw_index, draw_strip

Json = dict[str, Any]


def add_years(data: Json, page: MapPage) -> Json:
    """Add layers and causes to the data of a page; a page without them stays as is.

    Parameters
    ----------
    data
        See `agroforest.maps.layers.build_data`.
    page
        Whose data.
    """
    years = [y for y in page.years if y.night <= page.night]
    if not (years or page.causes):
        return data
    pictures = list(data["pictures"])
    risks = [layer for layer in data["layers"] if layer["kind"] == "risk"]
    others = data["layers"][len(risks) :]
    own = [_layer(years, pictures)] if years else []
    for layer in own:
        layer["shown"] = not risks
    return {
        **data,
        "layers": [*risks, *own, *others],
        "alerts": [_explained(alert, page) for alert in data["alerts"]],
        "pictures": pictures,
        "yearly": True,
    }


def _layer(years: Sequence[YearLayer], pictures: list[str]) -> Json:
    palette = risk_palette()
    pixel = choose_pixel(y.grid for y in years)
    tiles: dict[str, list[Json]] = {}
    for year in sorted(years, key=lambda y: (y.tile, y.night)):
        picture = draw_index(
            year.values, year.grid, palette=palette, vmin=0, vmax=1, pixel=pixel
        )
        frame = {
            "picture": _number(pictures, picture.uri),
            "corners": picture.corners,
            "night": year.night.isoformat(),
            "image": year.night.isoformat(),
        }
        tiles.setdefault(text(year.tile), []).append(frame)
    newest = max(years, key=lambda y: y.year)
    thresholds = sorted({round(y.threshold, 4) for y in years})
    marks = [tick(t, f"{t * 100:.3g}", "threshold") for t in thresholds]
    before, span = newest.year - 1, newest.season
    return {
        "id": "yearly:damage",
        "kind": "yearly",
        "title": both(
            "自上年以来受损的概率，请实地核查",
            "Damaged since last year (probability), check in the field",
        ),
        "span": both(
            f"{newest.year} 年与 {before} 年，{span}",
            f"{newest.year} against {before}, {span}",
        ),
        "opacity": 0.85,
        "tiles": tiles,
        "limits": both(newest.limits_zh, newest.limits_en),
        "legend": {
            "strip": _number(pictures, draw_strip(palette)),
            "ticks": [tick(0, "0", "end"), *marks, tick(1, "100", "end")],
            "unit": "%",
            "models": sorted({text(y.model) for y in years}),
        },
    }


def _number(pictures: list[str], uri: str) -> int:
    if uri not in pictures:
        pictures.append(uri)
    return pictures.index(uri)


def _explained(alert: Json, page: MapPage) -> Json:
    cause = page.causes.get(alert["id"])
    return alert if cause is None else {**alert, "cause": _cause(cause)}


def _cause(cause: LikelyCause) -> Json:
    return {
        **both(cause.zh, cause.en),
        "probability": round(cause.probability, 3),
        "caveat": both(cause.caveat_zh, cause.caveat_en),
    }

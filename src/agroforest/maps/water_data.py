"""Parcels and their water, added to what a page shows."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import shapely

from agroforest.maps.layers import both, rings, text
from agroforest.maps.page import MapPage
from agroforest.maps.water import LIGHTS, ParcelWater, ProbeTrust, WaterDay

Json = dict[str, Any]

_DEGREE_DIGITS = 6  # a decimetre
_MM_DIGITS = 1  # no balance knows more


def add_water(data: Json, page: MapPage) -> Json:
    """Add parcels with their water to the data of a page.

    A page without them stays as it is.

    Parameters
    ----------
    data
        See `agroforest.maps.layers.build_data`.
    page
        Whose data.
    """
    water = page.water
    if water is None:
        return data
    notes = [both(*note) for note in water.notes]
    said = {
        "moment": water.moment.isoformat(),
        "lights": list(LIGHTS),
        "parcels": [_parcel(p) for p in sorted(water.parcels, key=_urgency)],
        "notes": notes,
    }
    return {**data, "notices": [*data["notices"], *notes], "water": said}


def _urgency(parcel: ParcelWater) -> tuple[int, date, float, str]:
    """Red first, then what is due first, then what needs most."""
    due = parcel.latest or date.max
    return LIGHTS.index(parcel.light), due, -(parcel.amount_mm or 0.0), parcel.id


def _parcel(parcel: ParcelWater) -> Json:
    inside = shapely.point_on_surface(parcel.geometry)
    return {
        "id": text(parcel.id),
        "name": both(parcel.zh or parcel.id, parcel.en or parcel.id),
        "crop": both(parcel.crop_zh, parcel.crop_en),
        "light": parcel.light,
        "advice": both(parcel.advice_zh, parcel.advice_en),
        "amount": {
            "mm": _rounded(parcel.amount_mm),
            "m3": _rounded(parcel.amount_m3),
            "perMu": _rounded(parcel.m3_per_mu),
            "minutes": _rounded(parcel.minutes),
        },
        "latest": _day(parcel.latest),
        "confidence": both(parcel.confidence_zh, parcel.confidence_en),
        "reasons": [both(*reason) for reason in parcel.reasons],
        "drought": both(parcel.drought_zh, parcel.drought_en),
        "notices": [both(*notice) for notice in parcel.notices],
        "irrigated": {
            "day": _day(parcel.last_irrigation),
            "mm": _rounded(parcel.last_irrigation_mm),
        },
        "sensors": [_probe(probe) for probe in parcel.sensors],
        "days": _days(parcel.days),
        "at": [round(inside.y, _DEGREE_DIGITS), round(inside.x, _DEGREE_DIGITS)],
        "rings": rings(parcel.geometry),
    }


def _probe(probe: ProbeTrust) -> Json:
    return {
        "id": text(probe.id),
        "name": text(probe.name),
        "trust": None if probe.trust is None else round(probe.trust, 2),
        "reason": both(probe.reason_zh, probe.reason_en),
    }


def _days(days: Sequence[WaterDay]) -> Json | None:
    """Columns of the days; `past` counts those that are not forecast.

    `at` counts days from the first. It is left out where none is missing, and a column
    that never changes is one number: of hundreds of parcels this is half of the page.
    """
    if not days:
        return None
    first = days[0].day
    at = [(day.day - first).days for day in days]
    columns = {
        "depletion": [day.depletion_mm for day in days],
        "raw": [day.raw_mm for day in days],
        "taw": [day.taw_mm for day in days],
        "rain": [day.rain_mm for day in days],
        "irrigation": [day.irrigation_mm for day in days],
    }
    return {
        "first": first.isoformat(),
        "count": len(days),
        "past": sum(not day.forecast for day in days),
        **({} if at[-1] == len(at) - 1 else {"at": at}),
        **{name: _column(values) for name, values in columns.items()},
    }


def _column(values: Sequence[float]) -> list[float] | float:
    found = [_short(round(float(value), _MM_DIGITS)) for value in values]
    return found[0] if len(set(found)) == 1 else found


def _short(value: float) -> float:
    """Without the `.0` of whole numbers, and the sign of zero, in JSON."""
    return int(value) if value.is_integer() else value


def _rounded(value: float | None) -> float | None:
    return None if value is None else _short(round(float(value), 2))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()

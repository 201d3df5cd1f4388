"""Nights, sensors and parcels over JSON."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from agroforest.core.account import Right
from agroforest.core.errors import DataError
from agroforest.nightly.water.status import SensorStatus
from agroforest.web.access import Visit, need
from agroforest.web.api.answers import FAULTS
from agroforest.web.api.shapes import Shape
from agroforest.web.pages.parcels import find_parcels
from agroforest.web.pages.parcels_view import find_light
from agroforest.web.pages.runs import keep_report
from agroforest.web.pages.runs_nights import Json, Nights
from agroforest.web.pages.sensors_seen import look
from agroforest.web.site import Remembered, Site

#: Seconds for which sensors are not judged again: it reads weeks of readings.
_FRESH_S = 60.0
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]
_SeeParcels = Annotated[Visit, Depends(need(Right.SEE_PARCELS, farmers=True))]
_Many = Annotated[int, Query(ge=1, le=366)]


class NightShape(Shape):
    """What a night did, and what it lacks."""

    pipeline: str
    night: date
    status: str = Field(description="`damaged` where its report cannot be read.")
    tiles: int | None = Field(description="Tiles with new scenes.")
    watched: int | None = Field(description="Tiles it watches.")
    alerts: int | None
    changes: int | None
    seconds: float | None
    failed: int | None = Field(description="Tiles that failed.")
    refused: int | None = Field(description="Inputs put aside.")
    blind: int | None = Field(description="Tiles without a clear image for 30 days.")


class SensorShape(Shape):
    """A sensor as it is."""

    id: str
    name: str
    last: datetime | None = Field(description="Newest reading.")
    battery_v: float | None
    battery_pct: float | None
    battery_low: bool
    readings: int = Field(description="Of the last seven days.")
    flags: dict[str, int]
    trust: float | None = Field(description="0..1; for soil moisture alone.")
    usable: bool | None
    reasons_zh: str
    reasons_en: str
    parcels: tuple[str, ...]
    longitude: float | None = Field(description="Only for who may see exact places.")
    latitude: float | None
    simulated: bool

    @classmethod
    def from_status(cls, one: SensorStatus, *, exact: bool) -> "SensorShape":
        """Show a sensor."""
        place = (one.sensor.longitude, one.sensor.latitude) if exact else (None, None)
        return cls(
            id=one.sensor.id,
            name=one.sensor.name,
            last=one.last,
            battery_v=one.battery,
            battery_pct=one.battery_level,
            battery_low=one.battery_low,
            readings=one.readings,
            flags=one.flags,
            trust=one.trust,
            usable=one.usable,
            reasons_zh=one.reasons[0],
            reasons_en=one.reasons[1],
            parcels=one.parcels,
            longitude=place[0],
            latitude=place[1],
            simulated=one.sensor.simulated,
        )


class ParcelShape(Shape):
    """What to do about a parcel's water tonight."""

    id: str
    name_zh: str
    name_en: str
    light: Literal["red", "amber", "green", "grey"]
    zh: str = Field(description="What to do, in a sentence.")
    en: str
    crop: str | None
    hectares: float | None
    amount_mm: float | None
    amount_m3: float | None
    m3_per_mu: float | None
    minutes: float | None
    latest: date | None = Field(description="Day by which to give it.")
    depletion_mm: float | None = Field(description="Water missing in the root zone.")
    raw_mm: float | None = Field(description="Readily available water.")
    taw_mm: float | None = Field(description="Total available water.")
    last_irrigation: date | None
    confidence: str | None
    notices: tuple[dict[str, Any], ...] = Field(description="Heat, frost, drought.")

    @classmethod
    def from_json(cls, parcel: Json) -> "ParcelShape":
        """Show a parcel of a night's file of water."""
        plain = {
            name: parcel.get(name)
            for name in cls.model_fields
            if name not in {"id", "light", "notices", *_TEXTS}
        }
        return cls(
            id=str(parcel["id"]),
            light=find_light(parcel),
            notices=tuple(parcel.get("notices") or ()),
            **{name: str(parcel.get(name) or "") for name in _TEXTS},
            **plain,
        )


_TEXTS = ("name_zh", "name_en", "zh", "en")


class Advice(Shape):
    """Tonight's advice on every parcel you may see, the most urgent first."""

    nights: tuple[date, ...] = Field(description="Nights it is of, the newest first.")
    parcels: tuple[ParcelShape, ...]
    notes: tuple[str, ...] = Field(description="In your language.")


def build_router(site: Site, nights: Nights) -> APIRouter:
    """Build the router of what nights left."""
    router = APIRouter()
    seen = Remembered(lambda: look(site, nights), _FRESH_S)

    # None is asynchronous: reading files would stop the loop.
    @router.get(
        "/runs",
        responses=FAULTS,
        tags=["nights"],
        dependencies=[Depends(need(Right.SEE_CASES))],
    )
    def list_runs(limit: _Many = 30) -> tuple[NightShape, ...]:
        """List the newest nights of each pipeline."""
        return tuple(
            _show_night(nights, pipeline, night)
            for pipeline in nights.pipelines
            for night in nights.list_reports(pipeline)[:limit]
        )

    @router.get("/sensors", responses=FAULTS, tags=["sensors"])
    def list_sensors(visit: _See) -> tuple[SensorShape, ...]:
        """List sensors: how each is, and how far to trust it."""
        exact = visit.may(Right.SEE_EXACT)
        return tuple(
            SensorShape.from_status(one, exact=exact) for one in seen().sensors
        )

    @router.get("/parcels", responses=FAULTS, tags=["parcels"])
    def list_parcels(visit: _SeeParcels) -> Advice:
        """List tonight's advice; a farmer sees their own parcels."""
        found = find_parcels(nights, visit)
        return Advice(
            nights=found.nights,
            parcels=tuple(map(ParcelShape.from_json, found.parcels)),
            notes=found.notes,
        )

    return router


def _show_night(nights: Nights, pipeline: str, night: date) -> NightShape:
    report: Json = {}
    try:
        report = nights.read_report(pipeline, night, keep_report)
    except DataError:
        report = {"status": "damaged"}
    names = NightShape.model_fields.keys() - {"pipeline", "night"}
    return NightShape(
        pipeline=pipeline, night=night, **{name: report.get(name) for name in names}
    )

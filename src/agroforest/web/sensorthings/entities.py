"""The entity sets of the service: SensorThings 1.1, chapter 8, over our tables."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, RowMapping, false, func, select

from agroforest.core.reading import Quality
from agroforest.store.schema import reading, sensor, series
from agroforest.store.times import from_microseconds
from agroforest.web.sensorthings.declared import EntitySet, Link, Where
from agroforest.web.sensorthings.fields import (
    DATASTREAM_NAME,
    PLACE_DESCRIPTION,
    SENSOR_DESCRIPTION,
    build_datastream_fields,
    build_observation_fields,
    build_place_fields,
    build_property_fields,
    build_sensor_fields,
    build_thing_fields,
    variable,
    write_reading,
    write_series,
)
from agroforest.web.sensorthings.vocabulary import OBSERVATION_TYPE, define_unit

_GEOJSON = "application/geo+json"
_WITH_PLACE = sensor.c.longitude.is_not(None) & sensor.c.latitude.is_not(None)
_FLAGS = {flag: str(flag.name).lower() for flag in Quality if flag}

_SENSOR_COLUMNS: tuple[ColumnElement[Any], ...] = (
    *sensor.c,
    SENSOR_DESCRIPTION.label("description"),
    PLACE_DESCRIPTION.label("place"),
)


# ---------------------------------------------------------------- sources


def _from_sensor(_needed: frozenset[str]) -> FromClause:
    return sensor


def _from_variable(_needed: frozenset[str]) -> FromClause:
    return variable


def join_series(needed: frozenset[str]) -> FromClause:
    """Join what is needed of a series to the table of series."""
    source: FromClause = series
    if "sensor" in needed:
        source = source.join(sensor, sensor.c.id == series.c.sensor)
    if "variable" in needed:
        source = source.join(variable, variable.c.id == series.c.variable)
    return source


def _from_reading(needed: frozenset[str]) -> FromClause:
    # The table of readings is ordered by series: whoever looks from the series on
    # finds a time without reading what is before it.
    if not needed:
        return reading
    return join_series(needed).join(reading, reading.c.series == series.c.id)


# ------------------------------------------------------------- properties


def _build_thing(row: RowMapping) -> dict[str, Any]:
    free: dict[str, Any] = {"simulated": row["simulated"]}
    if row["elevation"] is not None:
        free["elevation"] = row["elevation"]
    return {
        "name": row["name"],
        "description": row["description"],
        "properties": free,
    }


def _build_location(row: RowMapping) -> dict[str, Any]:
    return _build_place(row) | {"location": _build_point(row)}


def _build_feature(row: RowMapping) -> dict[str, Any]:
    point = _build_point(row)
    if point is None:  # GeoJSON's way to say that a feature has no place
        point = {"type": "Feature", "geometry": None, "properties": {}}
    return _build_place(row) | {"feature": point}


def _build_place(row: RowMapping) -> dict[str, Any]:
    return {
        "name": row["name"],
        "description": row["place"],
        "encodingType": _GEOJSON,
    }


def _build_point(row: RowMapping) -> dict[str, Any] | None:
    place = [row["longitude"], row["latitude"]]
    if None in place:
        return None
    height = [] if row["elevation"] is None else [row["elevation"]]
    return {"type": "Point", "coordinates": place + height}


def _build_sensor(row: RowMapping) -> dict[str, Any]:
    return {
        "name": row["name"],
        "description": row["description"],
        "encodingType": "text/plain",
        "metadata": row["id"],
    }


def _build_datastream(row: RowMapping) -> dict[str, Any]:
    free: dict[str, Any] = {"variable": row["variable"]}
    if row["depth_m"] is not None:
        free["depth_m"] = row["depth_m"]
    period: dict[str, Any] = {}
    if row["first_us"] is not None:
        first, last = _write_time(row["first_us"]), _write_time(row["last_us"])
        period = {"phenomenonTime": f"{first}/{last}"}
    return {
        "name": row["name"],
        "description": row["description"],
        "observationType": OBSERVATION_TYPE,
        "unitOfMeasurement": {
            "name": row["unit"],
            "symbol": row["symbol"],
            "definition": define_unit(row["symbol"]),
        },
        "properties": free,
        **period,
    }


def _build_property(row: RowMapping) -> dict[str, Any]:
    return {
        "name": row["id"],
        "definition": row["definition"],
        "description": row["description"],
    }


def _build_observation(row: RowMapping) -> dict[str, Any]:
    flags = [
        {"nameOfMeasure": word}
        for flag, word in _FLAGS.items()
        if row["quality"] & int(flag)
    ]
    return {
        "phenomenonTime": _write_time(row["time_us"]),
        "result": row["value"],
        "resultTime": None,
        "resultQuality": flags,
    }


def _write_time(count: int) -> str:
    return from_microseconds(count).isoformat().replace("+00:00", "Z")


def _name_sensor(row: RowMapping) -> str:
    return str(row["id"])


# ------------------------------------------------------------------- sets

_SERIES_BOUNDS = tuple(
    select(bound(reading.c.time_us))
    .where(reading.c.series == series.c.id)
    .correlate(series)
    .scalar_subquery()
    .label(name)
    for name, bound in (("first_us", func.min), ("last_us", func.max))
)


def _link(
    target: str,
    column: ColumnElement[Any],
    key: str = "id",
    *,
    many: bool = True,
    needs: str = "",
) -> Link:
    return Link(
        target=target,
        many=many,
        key=key,
        where=lambda value: column == value,
        needs=frozenset(needs.split()),
        column=None if many else column,
    )


def _is_place_of(number: int) -> Where:
    own = select(series.c.sensor).where(series.c.id == number).scalar_subquery()
    return sensor.c.id == own


_SERIES_OF_SENSOR = _link("Datastreams", series.c.sensor)
_HISTORY = _link("HistoricalLocations", sensor.c.id)

_SETS = (
    EntitySet(
        name="Things",
        single="Thing",
        source=_from_sensor,
        columns=_SENSOR_COLUMNS,
        keys=(sensor.c.id,),
        fields=build_thing_fields(""),
        links={
            "Datastreams": _SERIES_OF_SENSOR,
            "Locations": _link("Locations", sensor.c.id),
            "HistoricalLocations": _HISTORY,
        },
        build=_build_thing,
        id=_name_sensor,
        properties=("name", "description", "properties"),
    ),
    EntitySet(
        name="Locations",
        single="Location",
        source=_from_sensor,
        columns=_SENSOR_COLUMNS,
        keys=(sensor.c.id,),
        fields=build_place_fields(""),
        links={
            "Things": _link("Things", sensor.c.id),
            "HistoricalLocations": _HISTORY,
        },
        build=_build_location,
        id=_name_sensor,
        properties=("name", "description", "encodingType", "location"),
        where=_WITH_PLACE,
    ),
    EntitySet(  # where a sensor was before is not kept
        name="HistoricalLocations",
        single="HistoricalLocation",
        source=_from_sensor,
        columns=_SENSOR_COLUMNS,
        keys=(sensor.c.id,),
        fields={},
        links={
            "Thing": _link("Things", sensor.c.id, many=False),
            "Locations": _link("Locations", sensor.c.id),
        },
        build=lambda _row: {},
        id=_name_sensor,
        properties=("time",),
        where=false(),
    ),
    EntitySet(
        name="Datastreams",
        single="Datastream",
        source=join_series,
        columns=(
            series.c.id,
            series.c.sensor,
            series.c.variable,
            series.c.depth_m,
            DATASTREAM_NAME.label("name"),
            variable.c.description,
            variable.c.unit,
            variable.c.symbol,
            *_SERIES_BOUNDS,
        ),
        keys=(series.c.id,),
        fields=build_datastream_fields(""),
        links={
            "Thing": _link("Things", sensor.c.id, "sensor", many=False),
            "Sensor": _link("Sensors", sensor.c.id, "sensor", many=False),
            "ObservedProperty": _link(
                "ObservedProperties", variable.c.id, "variable", many=False
            ),
            "Observations": _link("Observations", reading.c.series),
        },
        build=_build_datastream,
        id=lambda row: write_series(row["id"]),
        properties=(
            "name",
            "description",
            "observationType",
            "unitOfMeasurement",
            "properties",
            "phenomenonTime",
        ),
        needs=frozenset({"sensor", "variable"}),
    ),
    EntitySet(
        name="Sensors",
        single="Sensor",
        source=_from_sensor,
        columns=_SENSOR_COLUMNS,
        keys=(sensor.c.id,),
        fields=build_sensor_fields(""),
        links={"Datastreams": _SERIES_OF_SENSOR},
        build=_build_sensor,
        id=_name_sensor,
        properties=("name", "description", "encodingType", "metadata"),
    ),
    EntitySet(
        name="ObservedProperties",
        single="ObservedProperty",
        source=_from_variable,
        columns=tuple(variable.c),
        keys=(variable.c.id,),
        fields=build_property_fields(""),
        links={"Datastreams": _link("Datastreams", series.c.variable)},
        build=_build_property,
        id=_name_sensor,
        properties=("name", "definition", "description"),
    ),
    EntitySet(
        name="Observations",
        single="Observation",
        source=_from_reading,
        columns=tuple(reading.c),
        keys=(reading.c.series, reading.c.time_us),
        fields=build_observation_fields(),
        links={
            "Datastream": _link("Datastreams", series.c.id, "series", many=False),
            "FeatureOfInterest": Link(
                target="FeaturesOfInterest",
                many=False,
                key="series",
                where=_is_place_of,
            ),
        },
        build=_build_observation,
        id=lambda row: write_reading(row["series"], row["time_us"]),
        properties=("phenomenonTime", "result", "resultTime", "resultQuality"),
    ),
    EntitySet(
        name="FeaturesOfInterest",
        single="FeatureOfInterest",
        source=_from_sensor,
        columns=_SENSOR_COLUMNS,
        keys=(sensor.c.id,),
        fields=build_place_fields(""),
        links={"Observations": _link("Observations", series.c.sensor, needs="series")},
        build=_build_feature,
        id=_name_sensor,
        properties=("name", "description", "encodingType", "feature"),
    ),
)

#: By name, in the standard's order.
SETS = {each.name: each for each in _SETS}

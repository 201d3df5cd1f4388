"""Files of fire weather: a table of a station, NetCDF of a grid."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from agroforest.core.files import replacing, write_text
from agroforest.indices.fire_weather import find_vpd
from agroforest.indices.fire_weather.classes import DangerClasses
from agroforest.products.fire_weather.run import NAMES, Day, Run
from agroforest.weather import GriddedWeather

#: What each column is, and the unit of those that have one.
TITLES = {
    "ffmc": "Fine Fuel Moisture Code",
    "dmc": "Duff Moisture Code",
    "dc": "Drought Code",
    "isi": "Initial Spread Index",
    "bui": "Build-Up Index",
    "fwi": "Fire Weather Index",
    "dsr": "Daily Severity Rating",
    "vpd_kpa": "Vapour pressure deficit at noon, kPa",
    "missed": "Days without weather since the start-up",
    "forecast": "1 for days that had not happened when the weather was made",
    "class": "Class of the place's own FWI, 1 (lowest) to 5",
}
_EXTENDED = ("dsr", "vpd_kpa", "missed", "forecast")
_FILL = np.float32(9.969209968386869e36)  # netCDF's own for float32


def write_table(
    path: Path,
    run: Run,
    *,
    extended: bool = False,
    classes: DangerClasses | None = None,
) -> tuple[str, ...]:
    """Write a station's days as CSV; six decimals, dates as ISO 8601.

    Parameters
    ----------
    path
        Replaced in one step.
    run
        Of one station.
    extended
        Write more columns than the six codes and indices.
    classes
        Write the day's class, too.

    Returns
    -------
    tuple of str
        The columns.
    """
    names: tuple[str, ...] = ("date", *NAMES, *(_EXTENDED if extended else ()))
    if classes is not None:
        names = (*names, "class")
    with (
        replacing(path) as scratch,
        scratch.open("w", newline="", encoding="utf-8") as f,
    ):
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(names)
        for day in run.days:
            values = {"date": day.weather.date.isoformat(), **_cells(day, classes)}
            writer.writerow([values[name] for name in names])
    return names


def _cells(day: Day, classes: DangerClasses | None) -> dict[str, str]:
    vpd = find_vpd(day.weather.temperature, day.weather.humidity)
    numbers = {**day.values(), "vpd_kpa": vpd}
    return {name: f"{float(value):.6f}" for name, value in numbers.items()} | {
        "missed": str(int(day.codes.missed)),
        "forecast": str(int(day.weather.forecast)),
        "class": "" if classes is None else str(int(classes.classify(day.indices.fwi))),
    }


def write_metadata(
    table: Path, columns: tuple[str, ...], about: Mapping[str, object]
) -> Path:
    """Write what a table holds beside it, as the W3C's metadata of tables on the web.

    Returns
    -------
    Path
        ``NAME.csv-metadata.json``.
    """
    path = table.with_name(f"{table.name}-metadata.json")
    described = [{"name": "date", "datatype": "date"}]
    described += [
        {"name": name, "titles": TITLES[name], "datatype": "number"}
        for name in columns[1:]
    ]
    document = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": table.name,
        "tableSchema": {"columns": described, "primaryKey": "date"},
        **about,
    }
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    return path


def write_grid(
    path: Path, run: Run, weather: GriddedWeather, about: Mapping[str, object]
) -> None:
    """Write a grid's days as NetCDF, float32; NaN is missing."""
    times = np.array([day.weather.day for day in run.days], "datetime64[D]")
    stacked = {
        name: np.stack([day.values()[name] for day in run.days]).astype(np.float32)
        for name in (*NAMES, "dsr")
    }
    dims = ("time", *weather.dims)
    rows, columns = weather.dims[0], weather.dims[-1]
    data = xr.Dataset(
        {
            n: (dims, v, {"long_name": TITLES[n], "units": "1"})
            for n, v in stacked.items()
        },
        coords={
            "time": times.astype("datetime64[ns]"),
            "latitude": (rows, weather.latitude, {"units": "degrees_north"}),
            "longitude": (columns, weather.longitude, {"units": "degrees_east"}),
        },
        attrs={"Conventions": "CF-1.8", "title": "Fire weather", **about},
    )
    missed = np.stack([day.codes.missed for day in run.days])
    data["missed"] = (dims, missed, {"long_name": TITLES["missed"], "units": "d"})
    forecast = np.array([day.weather.forecast for day in run.days], np.int8)
    data["forecast"] = ("time", forecast, {"long_name": TITLES["forecast"]})
    packed = {"zlib": True, "complevel": 1, "_FillValue": _FILL}
    with replacing(path) as scratch:
        data.to_netcdf(scratch, encoding=dict.fromkeys(stacked, packed))

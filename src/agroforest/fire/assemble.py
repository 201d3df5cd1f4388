"""All drivers of a day on the cells, in one declared order."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from agroforest.core.aoi import Aoi
from agroforest.fire.cells import Cells
from agroforest.fire.days import CellDay
from agroforest.fire.drivers import Driver, Floats, Name, absent, given
from agroforest.fire.fuel import date_maps, read_fuel_moisture, read_ndmi
from agroforest.fire.layers import find_cover, measure_distance, read_terrain
from agroforest.hotspots.climatology import Climatology
from agroforest.hotspots.climatology_file import read_climatology
from agroforest.indices.fire_weather import find_vpd

_KM_A_DEGREE = 111.195


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """Files of what is known beside the weather; each may be missing.

    Attributes
    ----------
    terrain
        Terrain model, metres.
    ndmi
        NDMI maps with their days in their names.
    fuel_moisture
        See `fuel.read_fuel_moisture`.
    climatology
        Of hotspots, as ``agroforest fire climatology`` writes it.
    roads, settlements
        Vector layers.
    """

    terrain: Path | None = None
    ndmi: tuple[Path, ...] = ()
    fuel_moisture: Path | None = None
    climatology: Path | None = None
    roads: Path | None = None
    settlements: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Setting:
    """What stays the same from day to day.

    Attributes
    ----------
    cells
        Where.
    fixed
        Drivers that do not change.
    cover_names
        Species and crops by number, from 1.
    elevation
        ``(y, x)`` metres, or ``None``.
    maps
        NDMI maps by day.
    fuel_moisture
        File or folder.
    climatology
        Of hotspots.
    """

    cells: Cells
    fixed: tuple[Driver, ...] = field(repr=False)
    cover_names: tuple[str, ...]
    elevation: Floats | None = field(repr=False)
    maps: tuple[tuple[date, Path], ...] = ()
    fuel_moisture: Path | None = None
    climatology: Climatology | None = field(default=None, repr=False)


def read_setting(aoi: Aoi, cells: Cells, layers: Layers) -> Setting:
    """Read what stays the same from day to day.

    Raises
    ------
    ConfigurationError, DataError
        A layer cannot be used.
    """
    fixed, elevation = _read_terrain(layers.terrain, cells)
    for name, path in (
        (Name.ROAD, layers.roads),
        (Name.SETTLEMENT, layers.settlements),
    ):
        if path is None:
            fixed.append(absent(name, "no layer given"))
        else:
            fixed.append(given(name, measure_distance(path, cells), path.name))
    codes, names = find_cover(aoi, cells)
    if names:
        numbers = np.where(codes > 0, codes, np.nan)
        fixed.append(given(Name.COVER, numbers, aoi.source.name))
    else:
        fixed.append(absent(Name.COVER, "the area's file names no species or crop"))
    return Setting(
        cells=cells,
        fixed=tuple(fixed),
        cover_names=names,
        elevation=elevation,
        maps=tuple(date_maps(layers.ndmi)),
        fuel_moisture=layers.fuel_moisture,
        climatology=(
            read_climatology(layers.climatology)
            if layers.climatology is not None
            else None
        ),
    )


_TERRAIN = (Name.ELEVATION, Name.SLOPE, Name.SOUTH, Name.WEST, Name.SLOPE_FACTOR)


def _read_terrain(
    path: Path | None, cells: Cells
) -> tuple[list[Driver], Floats | None]:
    if path is None:
        return [absent(name, "no terrain model given") for name in _TERRAIN], None
    terrain = read_terrain(path, cells)
    found = [
        given(name, getattr(terrain, str(name)), f"terrain model {path.name}")
        for name in _TERRAIN
    ]
    return found, terrain.elevation


def find_drivers(setting: Setting, day: CellDay) -> tuple[Driver, ...]:
    """All drivers of a day but the classes, which belong to the rank."""
    weather, codes, indices = day.weather, day.codes, day.indices
    said = "forecast" if weather.forecast else "weather file"
    numbers = {
        Name.TEMPERATURE: weather.temperature,
        Name.HUMIDITY: weather.humidity,
        Name.WIND: weather.wind,
        Name.RAIN: weather.rain,
        Name.VPD: find_vpd(weather.temperature, weather.humidity),
    }
    known = np.isfinite(indices.fwi)
    moisture = {
        Name.FFMC: codes.ffmc,
        Name.DMC: codes.dmc,
        Name.DC: codes.dc,
        Name.ISI: indices.isi,
        Name.BUI: indices.bui,
        Name.FWI: indices.fwi,
    }
    numbers |= {n: np.where(known, values, np.nan) for n, values in moisture.items()}
    found = [given(name, values, said) for name, values in numbers.items()]
    ndmi = read_ndmi(setting.maps, setting.cells, weather.date)
    moist = read_fuel_moisture(setting.fuel_moisture, setting.cells, weather.date)
    usual = expect_hotspots(setting, weather.date)
    order = {name: n for n, name in enumerate(Name)}
    every = [*found, *ndmi, moist, usual, *setting.fixed]
    return tuple(sorted(every, key=lambda d: order[d.name]))


def expect_hotspots(setting: Setting, day: date) -> Driver:
    """Hotspots that are usual in each cell on a day of the year, a km² and day."""
    if setting.climatology is None:
        return absent(Name.HOTSPOTS, "no climatology of hotspots given")
    cells = setting.cells
    rate = setting.climatology.at(cells.longitude.ravel(), cells.latitude.ravel(), day)
    side = setting.climatology.grid.step * _KM_A_DEGREE
    area = side**2 * np.cos(np.radians(cells.latitude))
    values = rate.reshape(cells.grid.shape) / area
    return given(Name.HOTSPOTS, values, "climatology of hotspots")

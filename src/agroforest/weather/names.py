"""Names of weather variables in gridded files, and what they mean.

The name says *what* a variable is; its unit is read from its attributes. What a name
cannot say is over which time rain is summed up: ERA5 and ERA5-Land use one name and
one unit for the last hour and for the hours since midnight. `RainKind` says it.
"""

from collections.abc import Mapping
from enum import StrEnum

from agroforest.weather.units import Quantity

#: Short names, lower case, by quantity: ECMWF (ERA5, ERA5-Land, old and new), NCEP
#: (GFS as GRIB, as OPeNDAP, as wgrib2 writes it), CMA (CLDAS, CMA-RA, station code
#: names), CMIP and xclim.
_SHORT: dict[Quantity, tuple[str, ...]] = {
    Quantity.TEMPERATURE: (
        *("t2m", "2t", "tmp2m", "tmp_2maboveground", "temperature_2m"),
        *("tair", "tem", "tmp", "tas", "temp", "temperature"),
    ),
    Quantity.DEWPOINT: (
        *("d2m", "2d", "dpt2m", "dpt_2maboveground", "dpt", "tdps", "dewpoint"),
    ),
    Quantity.HUMIDITY: (
        *("r2", "2r", "rh2m", "rh_2maboveground", "rhu", "rh", "hurs", "humidity"),
    ),
    Quantity.SPECIFIC_HUMIDITY: (
        *("q2", "sh2", "spfh2m", "spfh_2maboveground", "qair", "shum", "huss"),
    ),
    Quantity.PRESSURE: (
        *("sp", "pressfc", "pres_surface", "pair", "prs", "psrf", "pres", "ps"),
    ),
    Quantity.WIND: (
        *("si10", "10si", "ws10", "wind", "win", "win_s", "win_s_avg_10mi"),
        *("sfcwind", "ws", "wind_speed"),
    ),
    Quantity.WIND_EAST: ("u10", "10u", "ugrd10m", "ugrd_10maboveground", "uas", "uwin"),
    Quantity.WIND_NORTH: (
        *("v10", "10v", "vgrd10m", "vgrd_10maboveground", "vas", "vwin"),
    ),
    Quantity.RAIN: (
        *("tp", "apcpsfc", "apcp_surface", "apcp", "pre", "prec", "pre_1h", "pr"),
        *("prcp", "prate", "prate_surface", "pratesfc", "prbc", "rain"),
        *("total_precipitation",),
    ),
}
_STANDARD: dict[str, Quantity] = {
    "air_temperature": Quantity.TEMPERATURE,
    "dew_point_temperature": Quantity.DEWPOINT,
    "relative_humidity": Quantity.HUMIDITY,
    "specific_humidity": Quantity.SPECIFIC_HUMIDITY,
    "surface_air_pressure": Quantity.PRESSURE,
    "wind_speed": Quantity.WIND,
    "eastward_wind": Quantity.WIND_EAST,
    "northward_wind": Quantity.WIND_NORTH,
    "precipitation_amount": Quantity.RAIN,
    "lwe_thickness_of_precipitation_amount": Quantity.RAIN,
    "precipitation_flux": Quantity.RAIN,
}

TIMES = ("time", "valid_time")
LATITUDES = ("latitude", "lat", "y")
LONGITUDES = ("longitude", "lon", "long", "x")


class RainKind(StrEnum):
    """Over which time a value of rain is summed up.

    ===================  ========================================================
    ``EACH_STEP``        since the value before (ERA5, CLDAS, daily sums)
    ``SINCE_MIDNIGHT``   since 00 UTC; the value of 00 UTC closes the day before
                         (ERA5-Land, as delivered hourly)
    ``SINCE_START``      since the forecast began (ECMWF forecasts)
    ``SIX_HOURS``        since the last of 00, 06, 12, 18 UTC (GFS)
    ===================  ========================================================
    """

    EACH_STEP = "each-step"
    SINCE_MIDNIGHT = "since-midnight"
    SINCE_START = "since-start"
    SIX_HOURS = "six-hours"


#: What the makers of the files do.
SOURCES: Mapping[str, RainKind] = {
    "era5": RainKind.EACH_STEP,
    "era5-land": RainKind.SINCE_MIDNIGHT,
    "ecmwf-forecast": RainKind.SINCE_START,
    "gfs": RainKind.SIX_HOURS,
    "cma": RainKind.EACH_STEP,
}


def find_names(quantity: Quantity) -> tuple[str, ...]:
    """Short names of a quantity, lower case, the preferred first."""
    return _SHORT.get(quantity, ())


def find_standard(standard_name: str) -> Quantity | None:
    """Tell what a CF standard name means, ``None`` for one that is not wanted."""
    return _STANDARD.get(standard_name)

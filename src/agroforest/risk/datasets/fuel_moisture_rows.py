"""What a student of live fuel moisture sees of three months: one row a sample.

Where a place stands in its season, how wet and warm its last months were, what
its canopy looks like in the last of them, and how far weather and season are from
those of the place's other samples.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agroforest.risk.datasets.fuel_moisture import FEATURES

Floats = NDArray[np.float64]
#: A value a month, ``(n, 3)``, by name.
Months = Mapping[str, Floats]

_FREEZING = 273.15
_MM = 1000.0
_REFLECTANCE = 10_000.0
_DAYS_A_MONTH = 30.4
_YEAR = 365.25
# Hopkins' law: a spring comes four days later with every degree of latitude and
# every 400 feet. Hopkins (1918), Periodical events and natural law as guides to
# agricultural research and practice, Monthly Weather Review, supplement 9.
_DAYS_A_DEGREE, _METRES_A_DEGREE = 4.0, 122.0
# Near the middle of the sites; only shifts the number. Arbitrary.
_LATITUDE, _ELEVATION = 39.0, 900.0
# Standard lapse rate of the atmosphere (ISO 2533), kelvin a metre.
_LAPSE = 0.0065
# Rain of a month is rounded to 1 mm a day: what keeps the logarithm finite is
# below that. Arbitrary.
_DROP, _SHOWER = 0.2, 0.3
#: Columns that are also told as departures from the place's own mean. Those of the
#: canopy are not: with them trees did worse on other sites.
DEPARTING = (
    *("warmth_0", "warmth_1", "warmth_2", "log_rain_0", "log_rain_1", "log_rain_2"),
    *("log_rain", "rain", "balance", "balance_2", "demand", "warming", "warmth"),
    *("month", "day_length", "day_lengthening", "season"),
)
# Of a number that is the same all over a place a mean leaves rounding errors: a label
# of the place by which trees can tell it from others. Of the slope it "explained" .018
# more of moisture, by chance (ADR 10).
_ROUNDING = 1e-9


def build_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Build what students see.

    Parameters
    ----------
    values
        ``(n, 3, 20)`` as `fuel_moisture.read` gives them.

    Returns
    -------
    ndarray
        ``(n, column)`` float32, columns as `name_rows` names them.
    """
    return np.column_stack(list(_columns(values).values())).astype(np.float32)


def build_rows_beside(
    values: NDArray[np.float32],
    place: NDArray[np.str_],
    departing: Sequence[str] = DEPARTING,
) -> NDArray[np.float32]:
    """Build what students see of samples beside the others of their place.

    A warm and dry month says more of a place's fuel if the place is told apart from
    its usual: what grows there lives with that.

    Parameters
    ----------
    values
        As for `build_rows`, all samples of a place that there are.
    place
        ``(n,)``.
    departing
        Columns whose departure is told; some of weather and season unless given.

    Returns
    -------
    ndarray
        ``(n, column)`` float32: `build_rows`, then for every column of `departing`
        the departure from their mean over the place's samples; 0 of a sample
        that is alone, NaN where a number is missing.
    """
    columns = _columns(values)
    rows = np.column_stack(list(columns.values()))
    names = list(columns)
    telling = rows[:, [names.index(name) for name in departing]]
    known = np.isfinite(telling)
    places, own = np.unique(place, return_inverse=True)
    total = np.zeros((places.size, len(departing)))
    count = np.zeros_like(total)
    np.add.at(total, own, np.where(known, telling, 0.0))
    np.add.at(count, own, known)
    departure = telling - (total / np.maximum(count, 1))[own]
    departure[np.abs(departure) <= _ROUNDING * np.abs(telling)] = 0.0
    return np.hstack([rows, departure]).astype(np.float32)


def name_rows() -> tuple[str, ...]:
    """Names of the columns of `build_rows`, in order."""
    return tuple(_columns(np.ones((0, 3, len(FEATURES)), np.float32)))


def _columns(values: NDArray[np.float32]) -> dict[str, Floats]:
    months = {n: values[..., i].astype(np.float64) for i, n in enumerate(FEATURES)}
    return {**_climate(months), **_season(months), **_canopy(months)}


def _climate(months: Months) -> dict[str, Floats]:
    """Warmth and rain, and what of the rain the air takes back."""
    warmth = months["temperature"] - _FREEZING
    rain = months["rain"] * _MM
    demand = evaporative_demand(warmth, day_length(months["latitude"], months["month"]))
    mean = warmth.mean(axis=1)
    return {
        **{f"warmth_{m}": warmth[:, m] for m in range(3)},
        **{f"log_rain_{m}": np.log(rain[:, m] + _DROP) for m in range(3)},
        "log_rain": np.log(rain.sum(axis=1) + _SHOWER),
        "rain": rain.sum(axis=1),
        "balance": (rain - demand).sum(axis=1),
        "balance_2": rain[:, 2] - demand[:, 2],
        "demand": demand.mean(axis=1),
        "warming": warmth[:, 2] - warmth[:, 0],
        "warmth": mean,
        "warmth_at_sea_level": mean + _LAPSE * months["elevation"][:, 0],
    }


def _season(months: Months) -> dict[str, Floats]:
    """Where a place stands in its year."""
    month, latitude = months["month"][:, 2], months["latitude"][:, 0]
    elevation = months["elevation"][:, 0]
    length = day_length(months["latitude"], months["month"])
    turn = (month + 0.5) / 12 * 2 * np.pi
    by_latitude = (month + 0.5) * _DAYS_A_MONTH - _DAYS_A_DEGREE * (
        latitude - _LATITUDE
    )
    hopkins = by_latitude - _DAYS_A_DEGREE * (elevation - _ELEVATION) / _METRES_A_DEGREE
    phase = hopkins / _YEAR * 2 * np.pi
    return {
        "month": month,
        "month_sin": np.sin(turn),
        "month_cos": np.cos(turn),
        "half_year_sin": np.sin(2 * turn),
        "half_year_cos": np.cos(2 * turn),
        "day_length": length[:, 2],
        "day_lengthening": length[:, 2] - length[:, 0],
        "season": hopkins,
        "season_sin": np.sin(phase),
        "season_cos": np.cos(phase),
        "season_by_latitude": by_latitude,
        "elevation": elevation,
        "slope": np.sqrt(months["slope"][:, 0]),
    }


def _canopy(months: Months) -> dict[str, Floats]:
    """Colour, water and structure of the canopy in the last month."""
    last = {name: array[:, 2] for name, array in months.items()}
    band = {n: a / _REFLECTANCE for n, a in last.items() if n.startswith("B")}
    blue, green, red = band["B02"], band["B03"], band["B04"]
    nir, narrow, swir = band["B08"], band["B8A"], band["B11"]
    return {
        "NDVI": last["NDVI"],
        "NDMI": _contrast(narrow, swir),
        "VARI": np.clip(_ratio(green - red, green + red - blue), -1, 1),
        "EVI": np.clip(2.5 * _ratio(nir - red, nir + 6 * red - 7.5 * blue + 1), -1, 2),
        "NMDI": _contrast(narrow, swir - band["B12"]),
        "NDRE": _contrast(narrow, band["B05"]),
        "PSRI": np.clip(_ratio(red - blue, band["B06"]), -1, 1),
        "GRVI": _contrast(green, red),
        "GNDVI": _contrast(narrow, green),
        "vapour": _contrast(narrow, band["B09"]),
        "B11": swir,
        "B12": band["B12"],
        "VV": last["VV"],
        "VH_VV": last["VH"] - last["VV"],
    }


def day_length(latitude: Floats, month: Floats) -> Floats:
    """Hours from sunrise to sunset in the middle of a month, 0 for January.

    Allen et al. (1998), FAO-56, equations 24 and 34, with the declination's phase
    counted from the December solstice.
    """
    year = (month + 0.5) / 12 * 2 * np.pi
    declination = -np.radians(23.44) * np.cos(year + 2 * np.pi * 10 / 365)
    cosine = -np.tan(np.radians(latitude)) * np.tan(declination)
    hours: Floats = 24 / np.pi * np.arccos(np.clip(cosine, -1, 1))
    return hours


def evaporative_demand(warmth: Floats, hours: Floats) -> Floats:
    """Potential evapotranspiration in mm a day; 0 in frost.

    Hamon (1963), Computation of direct runoff amounts from storm rainfall, IAHS
    publication 63, as Haith & Shoemaker (1987) write it: 29.8 D e / (T + 273.2), with
    hours of daylight D, saturated vapour pressure e in kPa and T in °C.
    """
    vapour = 0.6108 * np.exp(17.27 * warmth / (warmth + 237.3))
    demand = 29.8 * hours * vapour / (warmth + 273.2)
    return np.where(warmth > 0, demand, 0.0)


def _contrast(first: Floats, second: Floats) -> Floats:
    """Normalised difference; NaN where it has no meaning."""
    return _ratio(first - second, first + second)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    found: Floats = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=found, where=bottom > 0)
    return found

"""The columns of FIRMS: what each cell means, and which cannot mean anything."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from agroforest.hotspots.detections import (
    CONFIDENCE_CUTS,
    Confidence,
    Detections,
    Instrument,
)

_BRIGHTNESS = ("brightness", "bright_ti4", "bright_t4")
_ENDED = re.compile(r"[\x00-\x1f\x7f]")

_MODIS, _VIIRS = Instrument.MODIS, Instrument.VIIRS
# Satellites as feeds write them, without blanks and hyphens, upper case. FIRMS' own
# shape files write 1 and 2 for NOAA-20 and -21.
_SATELLITES: dict[str, tuple[str, Instrument]] = {
    **dict.fromkeys(("T", "TERRA"), ("T", _MODIS)),
    **dict.fromkeys(("A", "AQUA"), ("A", _MODIS)),
    **dict.fromkeys(("N", "NPP", "SNPP", "SUOMINPP"), ("N", _VIIRS)),
    **dict.fromkeys(("N20", "NOAA20", "J1", "JPSS1", "1"), ("N20", _VIIRS)),
    **dict.fromkeys(("N21", "NOAA21", "J2", "JPSS2", "2"), ("N21", _VIIRS)),
    **dict.fromkeys(("H08", "H8", "HIMAWARI8"), ("H08", Instrument.AHI)),
    **dict.fromkeys(("H09", "H9", "HIMAWARI9"), ("H09", Instrument.AHI)),
    **{f"FY4{x}": (f"FY4{x}", Instrument.AGRI) for x in "ABC"},
    **{f"FY3{x}": (f"FY3{x}", Instrument.MERSI) for x in "CDEFG"},
    **dict.fromkeys(("L8", "LANDSAT8"), ("L8", Instrument.OLI)),
    **dict.fromkeys(("L9", "LANDSAT9"), ("L9", Instrument.OLI)),
    **{f"S2{x}": (f"S2{x}", Instrument.MSI) for x in "ABCD"},
    **{f"SENTINEL2{x}": (f"S2{x}", Instrument.MSI) for x in "ABCD"},
}
_LETTERS = {c.name.lower(): int(c) for c in Confidence}
_LETTERS |= {name[0]: grade for name, grade in _LETTERS.items()}

_MOST = 1e6  # of any unit: what is more, infinity too, was not measured

_Value = TypeVar("_Value")
_Cells = Sequence[str]


def read_columns(cells: Mapping[str, _Cells], faults: dict[int, str]) -> Detections:
    """Read every column.

    Parameters
    ----------
    cells
        Of each heading, in lower case.
    faults
        Reason by row; rows that cannot be used are added, those with a reason already
        keep it.

    Returns
    -------
    Detections
        As many as there are rows, those with a fault included.
    """
    count = len(cells["latitude"])
    blank = ("",) * count
    brightness = next((cells[n] for n in _BRIGHTNESS if n in cells), blank)
    latitude = _numbers(cells["latitude"], "latitude", faults, low=-90, high=90)
    longitude = _numbers(cells["longitude"], "longitude", faults, low=-180, high=180)
    satellite, instrument = _read_satellites(cells, faults)
    days = _by_value(cells["acq_date"], _read_day, 0, faults)
    minutes = _by_value(cells["acq_time"], _read_minutes, 0, faults)
    time = days.astype("datetime64[D]") + minutes.astype("timedelta64[m]")
    grades = _by_value(cells["confidence"], _read_confidence, (0, math.nan), faults)
    float32 = np.float32
    return Detections(
        longitude=longitude,
        latitude=latitude,
        time=time.astype("datetime64[s]"),
        instrument=instrument,
        satellite=satellite,
        confidence=np.array([g[0] for g in grades.tolist()], dtype=np.int8),
        percent=np.array([g[1] for g in grades.tolist()], dtype=float32),
        frp=_numbers(cells.get("frp", blank), "frp", faults, low=0, blank=True).astype(
            float32
        ),
        brightness=_numbers(
            brightness, "brightness", faults, low=0, high=2000, blank=True
        ).astype(float32),
        scan=_numbers(
            cells.get("scan", blank), "scan", faults, low=0, blank=True
        ).astype(float32),
        track=_numbers(
            cells.get("track", blank), "track", faults, low=0, blank=True
        ).astype(float32),
        day=_read_daylight(cells.get("daynight", blank), time, longitude, faults),
        kind=_by_value(cells.get("type", blank), _read_kind, -1, faults).astype(
            np.int8
        ),
    )


def _by_value(
    cells: _Cells,
    read: Callable[[str], _Value],
    otherwise: _Value,
    faults: dict[int, str],
) -> NDArray[Any]:
    """Read a column of few different values: each of them once.

    `read` raises `ValueError` with the reason; such rows get `otherwise`.
    """
    known: dict[str, _Value] = {}
    wrong: dict[str, str] = {}
    for cell in set(cells):
        try:
            known[cell] = read(cell.strip())
        except ValueError as error:
            known[cell], wrong[cell] = otherwise, str(error)
    if wrong:
        for n, cell in enumerate(cells):
            if cell in wrong:
                faults.setdefault(n, wrong[cell])
    values = [known[cell] for cell in cells]
    if isinstance(otherwise, tuple):
        table = np.empty(len(values), dtype=object)
        table[:] = values
        return table
    return np.array(values, dtype=np.int64)


def _numbers(
    cells: _Cells,
    name: str,
    faults: dict[int, str],
    *,
    low: float,
    high: float = _MOST,
    blank: bool = False,
) -> NDArray[np.float64]:
    """Read a column of numbers; NaN where there is none."""
    try:
        values = np.array(list(map(float, cells)), dtype=np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
    sound = (values >= low) & (values <= high)  # neither is NaN
    for n in np.flatnonzero(~sound).tolist():
        if not (blank and not cells[n].strip()):
            faults.setdefault(n, f"{name} {_shown(cells[n])} is no number in its range")
    return np.where(sound, values, np.nan)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _read_satellites(
    cells: Mapping[str, _Cells], faults: dict[int, str]
) -> tuple[NDArray[np.str_], NDArray[np.int8]]:
    """Settle who looked: the instrument, where it is named, decides over the rest."""
    count = len(cells["latitude"])
    instrument = cells.get("instrument", ("",) * count)
    satellite = cells.get("satellite", ("",) * count)
    pairs = list(zip(satellite, instrument, strict=True))
    known = {pair: _read_satellite(*pair) for pair in set(pairs)}
    for n, pair in enumerate(pairs):
        if known[pair] is None:
            shown = _shown(pair[0] or pair[1])
            faults.setdefault(n, f"satellite {shown} is not known")
    settled = [known[pair] or ("", _MODIS) for pair in pairs]
    return (
        np.array([name for name, _ in settled], dtype="U8"),
        np.array([kind for _, kind in settled], dtype=np.int8),
    )


def _read_satellite(satellite: str, instrument: str) -> tuple[str, Instrument] | None:
    name = re.sub(r"[\s_-]", "", satellite).upper()
    named = instrument.strip().upper()
    given = Instrument[named] if named in Instrument.__members__ else None
    found = _SATELLITES.get(name)
    if given is None:
        return found
    return (found[0] if found else name[:8] or given.name), given


def _read_day(cell: str) -> int:
    try:
        day = date.fromisoformat(cell.replace("/", "-"))
    except ValueError:
        raise ValueError(f"acq_date {_shown(cell)} is no date") from None
    return (day - date(1970, 1, 1)).days


def _read_minutes(cell: str) -> int:
    """Minutes since midnight; ``5`` is 00:05, ``251`` is 02:51."""
    digits = cell.replace(":", "")
    if digits.isascii() and digits.isdigit() and len(digits) <= 4:
        hours, minutes = divmod(int(digits), 100)
        if hours < 24 and minutes < 60:
            return hours * 60 + minutes
    raise ValueError(f"acq_time {_shown(cell)} is no time of day")


def _read_confidence(cell: str) -> tuple[int, float]:
    """Class and number; the number is NaN for a letter."""
    letter = _LETTERS.get(cell.casefold())
    if letter is not None:
        return letter, math.nan
    value = _number(cell)
    if not 0 <= value <= 100:
        raise ValueError(f"confidence {_shown(cell)} is neither l, n, h nor 0 to 100")
    return int(np.digitize(value, CONFIDENCE_CUTS)), value


def _read_kind(cell: str) -> int:
    if cell == "":
        return -1
    if cell in {"0", "1", "2", "3"}:
        return int(cell)
    raise ValueError(f"type {_shown(cell)} is none of 0 to 3")


def _read_daylight(
    cells: _Cells,
    time: NDArray[np.datetime64],
    longitude: NDArray[np.float64],
    faults: dict[int, str],
) -> NDArray[np.bool_]:
    """Tell day from night; by the sun's hour where the row does not say."""
    stated = _by_value(cells, _read_letter, -1, faults)
    minute = (time - time.astype("datetime64[D]")).astype("timedelta64[m]")
    hour = (minute.astype(np.int64) / 60.0 + longitude / 15.0) % 24.0
    lit: NDArray[np.bool_] = (hour >= 6.0) & (hour < 18.0)
    return np.where(stated >= 0, stated == 1, lit)


def _read_letter(cell: str) -> int:
    letters = {"": -1, "d": 1, "n": 0, "day": 1, "night": 0}
    if cell.casefold() not in letters:
        raise ValueError(f"daynight {_shown(cell)} is neither D nor N")
    return letters[cell.casefold()]


def _shown(cell: str) -> str:
    """Cell as a message may show it: short, and without control characters."""
    clean = _ENDED.sub("?", cell)
    return repr(clean if len(clean) <= 24 else clean[:24] + "…")

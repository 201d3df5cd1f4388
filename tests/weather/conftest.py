"""Tables and gridded files that several tests read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

Write = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Write:
    """Write a CSV: headings and rows as text."""

    def write(*lines: str, name: str = "w.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


@pytest.fixture
def mapping(tmp_path: Path) -> Write:
    """Write a mapping."""

    def write(text: str, name: str = "m.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


HOURS = 72  # three days
FIRST = np.datetime64("2024-03-01T00:00:00", "ns")
LATITUDE = np.array([23.0, 22.9, 22.8])
LONGITUDE = np.array([108.0, 108.1, 108.2, 108.3])


def hourly_rain() -> np.ndarray:
    """``(hour, y, x)`` mm in the hour that ends at each time."""
    noise = np.random.default_rng(3)
    shape = (HOURS, len(LATITUDE), len(LONGITUDE))
    return np.where(noise.random(shape) < 0.2, noise.gamma(0.5, 4, shape), 0.0)


def since_midnight(rain: np.ndarray) -> np.ndarray:
    """Sum up as ERA5-Land does: 01 UTC starts, 00 UTC of the next day ends."""
    out = np.empty_like(rain)
    for hour in range(len(rain)):
        fresh = hour % 24 == 1 or hour == 0
        out[hour] = rain[hour] if fresh else out[hour - 1] + rain[hour]
    return out


def era5_land() -> xr.Dataset:
    """Three days as the climate data store gives them: K, m s**-1, m, from north."""
    times = FIRST + np.arange(HOURS) * np.timedelta64(1, "h")
    shape = (HOURS, len(LATITUDE), len(LONGITUDE))
    hour = np.arange(HOURS)[:, None, None]
    kelvin = 290.0 + 8 * np.sin((hour - 1) * np.pi / 12) + np.zeros(shape)
    kelvin = kelvin + np.arange(4)  # a degree a column
    dims = ("valid_time", "latitude", "longitude")
    return xr.Dataset(
        {
            "t2m": (dims, kelvin, {"units": "K"}),
            "d2m": (dims, np.full(shape, 285.0), {"units": "K"}),
            "u10": (dims, np.full(shape, 3.0), {"units": "m s**-1"}),
            "v10": (dims, np.full(shape, -4.0), {"units": "m s**-1"}),
            "tp": (dims, since_midnight(hourly_rain()) / 1000, {"units": "m"}),
        },
        coords={"valid_time": times, "latitude": LATITUDE, "longitude": LONGITUDE},
    )

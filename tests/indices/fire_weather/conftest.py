"""Weather and runs that several tests share."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from agroforest.core.risk import epoch_day
from agroforest.core.weather import NoonWeather
from agroforest.indices.fire_weather import Codes, FireWeather

DAY = epoch_day(date(2024, 4, 1))
Make = Callable[..., NoonWeather]


@pytest.fixture
def make() -> Make:
    """Build weather: numbers and arrays, brought to one shape."""

    def build(
        day=DAY, *, temperature=20.0, humidity=40.0, wind=15.0, rain=0.0, **more
    ) -> NoonWeather:
        four = np.broadcast_arrays(temperature, humidity, wind, rain)
        temperature, humidity, wind, rain = (np.array(a, dtype=float) for a in four)
        return NoonWeather(
            day=day,
            temperature=temperature,
            humidity=humidity,
            wind=wind,
            rain=rain,
            **more,
        )

    return build


def stack(days: list[tuple[Codes, FireWeather]]) -> dict[str, np.ndarray]:
    """Codes and indices by name, ``(day, …)``."""
    names = {"ffmc": 0, "dmc": 0, "dc": 0, "isi": 1, "bui": 1, "fwi": 1, "dsr": 1}
    return {n: np.stack([getattr(d[k], n) for d in days]) for n, k in names.items()}

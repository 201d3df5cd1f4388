"""Crops, soils and days that several tests lead through a balance."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from agroforest.core.crop import Crop
from agroforest.core.soil import Soil
from agroforest.water import FieldDay

COTTON = Crop(
    kc_ini=0.35,
    kc_mid=1.15,
    kc_end=0.60,
    kcb_ini=0.15,
    kcb_mid=1.20,
    kcb_end=0.57,
    days_ini=3,
    days_dev=4,
    days_mid=3,
    days_end=2,
    height_ini=0.05,
    height_max=1.2,
    root_ini=0.3,
    root_max=0.9,
    depletion_fraction=0.65,
)
LOAM = Soil.uniform(field_capacity=0.28, wilting_point=0.14)
LAYERS = Soil(
    bottom_mm=np.array([200.0, 500.0, 1000.0]),
    field_capacity=np.array([0.25, 0.28, 0.20]),
    wilting_point=np.array([0.11, 0.14, 0.09]),
    evaporation_depth=0.10,
    readily_evaporable=8.0,
    layered=True,
)


def day(number: int, **changes: Any) -> FieldDay:
    """An ordinary day."""
    values: dict[str, Any] = {"eto": 5.0, "rain": 0.0, "wind": 2.0, "humidity": 45.0}
    return FieldDay(day=number, **(values | changes))


@st.composite
def weather(draw: st.DrawFn, *, days: int = 14) -> list[FieldDay]:
    """A season's days, with showers, storms and irrigation."""
    water = st.one_of(st.just(0.0), st.floats(0.0, 80.0))
    found: list[FieldDay] = []
    for number in range(days):
        irrigation = draw(water)
        wetted = draw(st.floats(0.1, 1.0)) if irrigation else np.nan
        found.append(
            day(
                number,
                eto=draw(st.floats(0.0, 12.0)),
                rain=draw(water),
                wind=draw(st.floats(0.0, 9.0)),
                humidity=draw(st.floats(5.0, 100.0)),
                irrigation=irrigation,
                efficiency=draw(st.floats(0.5, 1.0)),
                wetted=wetted,
            )
        )
    return found

"""What happened on days: irrigation (.irr), canopy (.upd), soil moisture (.sws)."""

import math
from itertools import pairwise
from pathlib import Path

from agroforest.core.field import CanopySeen, ProfileSeen, Watering
from agroforest.farm.fao56_files.form import Kind, Row, check_order, read_form

_PERCENT = 100.0
_MM_PER_CM = 10.0
_LEAST_WETTED = 0.01
_WITHOUT_EFFICIENCY = 3  # columns of older files


def read_waterings(path: Path) -> tuple[Watering, ...]:
    """Read irrigations, in the order of the file.

    Raises
    ------
    DataError
        The file is no irrigation data, a day stands twice, or a number cannot be.
    """
    _, rows = read_form(path, Kind.IRRIGATION).after("Year-DOY")
    check_order(rows, [row.day() for row in rows])
    return tuple(_read_watering(row) for row in rows)


def _read_watering(row: Row) -> Watering:
    efficiency = _PERCENT
    if len(row.cells) > _WITHOUT_EFFICIENCY:
        efficiency = row.number_within(3, "IrrEff", 0.0, _PERCENT)
    return Watering(
        day=row.day(),
        depth=row.number_within(1, "Depth", 0.0),
        wetted=row.number_within(2, "fw", _LEAST_WETTED, 1.0),
        efficiency=efficiency / _PERCENT,
    )


def read_canopy(path: Path) -> tuple[CanopySeen, ...]:
    """Read what was seen of the canopy; NaN where it was not.

    Raises
    ------
    DataError
        The file is no update data, a day stands twice, or a number cannot be.
    """
    _, rows = read_form(path, Kind.UPDATES).after("Year-DOY")
    check_order(rows, [row.day() for row in rows])
    return tuple(
        CanopySeen(
            day=row.day(),
            kcb=_read_seen(row, 1, "Kcb", math.inf),
            height=_read_seen(row, 2, "h", math.inf),
            cover=_read_seen(row, 3, "fc", 1.0),
        )
        for row in rows
    )


def _read_seen(row: Row, index: int, name: str, most: float) -> float:
    value = row.number_at(index, name)
    return value if math.isnan(value) else row.number_within(index, name, 0.0, most)


def read_profiles(path: Path) -> tuple[ProfileSeen, ...]:
    """Read soil moisture measured in layers.

    Only the measurements are taken: depletions in the file rest on the roots of
    somebody's run.

    Raises
    ------
    DataError
        The file is no measured soil water data, or a number cannot be.
    """
    _, rows = read_form(path, Kind.MEASURED).after("Year-DOY")
    check_order(rows, [row.day() for row in rows])
    return tuple(_read_profile(row) for row in rows)


def _read_profile(row: Row) -> ProfileSeen:
    layers = int(row.number_within(1, "n", 1.0, 99.0))
    bottom = [
        _MM_PER_CM * row.number_within(2 + index, "depth", 1.0)
        for index in range(layers)
    ]
    moisture = [
        row.number_within(2 + layers + index, "SWC", 0.0, 1.0)
        for index in range(layers)
    ]
    if any(b <= a for a, b in pairwise(bottom)):
        raise row.refuse("depths do not go downwards", "put them in order")
    return ProfileSeen(day=row.day(), bottom_mm=tuple(bottom), moisture=tuple(moisture))

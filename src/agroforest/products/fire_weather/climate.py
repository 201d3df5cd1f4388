"""The place's own history of fire weather, from a table written before."""

import csv
from datetime import date
from pathlib import Path

import numpy as np

from agroforest.core.errors import DataError
from agroforest.core.risk import epoch_day
from agroforest.indices.fire_weather.classes import DangerClasses, fit_classes


def read_classes(path: Path) -> DangerClasses:
    """Learn the limits of a place's classes of FWI.

    Parameters
    ----------
    path
        A table of ``agroforest fire weather`` over some years: ``date`` and ``fwi``.

    Raises
    ------
    DataError
        If the file is no such table, or the history is too short.
    """
    days: list[int] = []
    values: list[float] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                days.append(epoch_day(date.fromisoformat(row["date"])))
                values.append(float(row["fwi"]))
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise DataError(
            path,
            f"is no table of fire weather ({error})",
            "write one with `agroforest fire weather` over some years",
        ) from error
    try:
        return fit_classes(np.array(values), np.array(days, dtype=np.int64))
    except DataError as error:
        raise DataError(path, error.problem, error.remedy) from error

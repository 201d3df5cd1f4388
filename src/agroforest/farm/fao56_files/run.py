"""A run that somebody made: its days (.sum, .out) and its results (.out).

The form keeps the days of a season nowhere but in the header of what a run wrote.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.risk import EPOCH
from agroforest.farm.fao56_files.form import (
    Form,
    Kind,
    check_order,
    find_columns,
    read_form,
)

_START = "Simulation start date:"
_END = "Simulation end date:"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Expected:
    """Results of a run that somebody made.

    Attributes
    ----------
    path
        The file.
    days
        (days,) int64, days since 1970-01-01.
    etc, depletion, ks
        (days,) float64: crop evapotranspiration and depletion in mm, and the stress
        coefficient of the morning.
    """

    path: Path
    days: NDArray[np.int64]
    etc: NDArray[np.float64]
    depletion: NDArray[np.float64]
    ks: NDArray[np.float64]


def read_run_days(path: Path) -> tuple[int, int]:
    """First and last day of a run, from the header of its output or its sums.

    Raises
    ------
    DataError
        The file is neither, or its header has no days.
    """
    return _find_days(read_form(path, Kind.OUTPUT, Kind.SUMS))


def read_expected(path: Path) -> Expected:
    """Read a run's results.

    Raises
    ------
    DataError
        The file is no output, or a number is missing.
    """
    heading, rows = read_form(path, Kind.OUTPUT).after("Year-DOY")
    columns = find_columns(heading, ("ETc", "Dr", "Ks"))
    days = [row.day() for row in rows]
    check_order(rows, days)

    def column(name: str) -> NDArray[np.float64]:
        return np.array([row.number_at(columns[name], name) for row in rows])

    return Expected(
        path=path,
        days=np.array(days, dtype=np.int64),
        etc=column("ETc"),
        depletion=column("Dr"),
        ks=column("Ks"),
    )


def _find_days(form: Form) -> tuple[int, int]:
    return _find_day(form, _START), _find_day(form, _END)


def _find_day(form: Form, label: str) -> int:
    for line in form.header:
        if line.startswith(label):
            text = line.removeprefix(label).strip()
            try:
                found = datetime.strptime(text, "%m/%d/%Y")  # noqa: DTZ007  a day
            except ValueError:
                break
            return (found.date() - EPOCH).days
    raise DataError(
        form.path, f"has no {label!r} month/day/year in its header", "give --start"
    )

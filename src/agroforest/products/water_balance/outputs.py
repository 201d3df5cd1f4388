"""The table of a season's days."""

import csv
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

from agroforest.core.files import replacing
from agroforest.core.risk import EPOCH
from agroforest.water.season import SeasonDay

#: Columns: where each number is found. ``zone`` is the evening.
COLUMNS: dict[str, tuple[str, str]] = {
    "etc_mm": ("out", "etc"),
    "depletion_mm": ("zone", "depletion"),
    "ks": ("out", "ks"),
    "eta_mm": ("out", "eta"),
    "eto_mm": ("today", "eto"),
    "kc": ("out", "kc"),
    "kcb": ("out", "kcb"),
    "ke": ("out", "ke"),
    "evaporation_mm": ("out", "evaporation"),
    "transpiration_mm": ("out", "transpiration"),
    "rain_mm": ("out", "rain"),
    "runoff_mm": ("out", "runoff"),
    "irrigation_mm": ("out", "irrigation"),
    "irrigation_loss_mm": ("out", "irrigation_loss"),
    "percolation_mm": ("out", "percolation"),
    "drained_mm": ("out", "drained"),
    "found_mm": ("out", "found"),
    "unmet_mm": ("out", "unmet"),
    "taw_mm": ("out", "available"),
    "raw_mm": ("out", "readily"),
    "p": ("out", "fraction"),
    "ks_end": ("out", "ks_end"),
    "root_m": ("zone", "root"),
    "height_m": ("zone", "height"),
    "cover": ("out", "cover"),
    "wetted": ("zone", "wetted"),
    "skin_mm": ("zone", "skin"),
    "profile_mm": ("zone", "profile"),
    "kc_single": ("out", "kc_single"),
    "etc_single_mm": ("out", "etc_single"),
    "depletion_sd_mm": ("zone", "variance"),
}


def write_days(path: Path, days: Sequence[SeasonDay]) -> None:
    """Write a season's days as CSV: date, six decimals, empty where there is none.

    Parameters
    ----------
    path
        Replaced in one step.
    days
        Of one place.
    """
    with (
        replacing(path) as scratch,
        scratch.open("w", newline="", encoding="utf-8") as f,
    ):
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["date", *COLUMNS])
        for day in days:
            when = EPOCH + timedelta(days=day.today.day)
            writer.writerow([when.isoformat(), *_cells(day)])


def _cells(day: SeasonDay) -> list[str]:
    cells: list[str] = []
    for name, (part, quantity) in COLUMNS.items():
        value = float(getattr(getattr(day, part), quantity))
        if name == "depletion_sd_mm":
            value = float(np.sqrt(value))
        cells.append("" if np.isnan(value) else f"{value:.6f}")
    return cells

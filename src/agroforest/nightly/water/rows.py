"""The account of a field as a table: one row a day."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Self

from agroforest.core.files import write_text
from agroforest.core.risk import EPOCH, epoch_day
from agroforest.water import FieldDay, RootZone, WaterDay

#: Columns of numbers, and the attribute each one is.
COLUMNS = {
    "depletion_mm": "depletion",
    "raw_mm": "readily",
    "taw_mm": "available",
    "depletion_sd_mm": "spread",
    "eto_mm": "eto",
    "etc_mm": "etc",
    "eta_mm": "eta",
    "ks": "ks",
    "kcb": "kcb",
    "root_m": "root",
    "rain_mm": "rain",
    "irrigation_mm": "irrigation",
    "percolation_mm": "percolation",
    "correction_mm": "correction",
}
_DIGITS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceRow:
    """A day of a field's account; NaN where the day's weather is missing.

    Attributes
    ----------
    day
        Days since 1970-01-01.
    depletion, readily, available
        Dr, RAW and TAW in the evening, mm.
    spread
        Standard deviation of the depletion, mm.
    eto, etc, eta
        Evapotranspiration of the reference, of the crop, and what was met of it, mm.
    ks, kcb
        Stress and basal coefficient.
    root
        m.
    rain, irrigation, percolation
        mm; irrigation as it left the pipe.
    correction
        mm added to the depletion by what was measured.
    drawn, refused
        Ids of what the balance was drawn to, and of what was too far from it.
    """

    day: int
    depletion: float
    readily: float
    available: float
    spread: float
    eto: float
    etc: float
    eta: float
    ks: float
    kcb: float
    root: float
    rain: float
    irrigation: float
    percolation: float
    correction: float = 0.0
    drawn: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        today: FieldDay,
        zone: RootZone,
        out: WaterDay,
        *,
        correction: float = 0.0,
        drawn: tuple[str, ...] = (),
        refused: tuple[str, ...] = (),
    ) -> Self:
        """Make the row of a day of one place; numbers as the table shows them."""

        def told(value: object) -> float:
            return round(float(value), _DIGITS) + 0.0  # type: ignore[arg-type]

        return cls(
            day=today.day,
            depletion=told(zone.depletion),
            readily=told(out.readily),
            available=told(out.available),
            spread=told(math.sqrt(float(zone.variance))),
            eto=told(today.eto),
            etc=told(out.etc),
            eta=told(out.eta),
            ks=told(out.ks),
            kcb=told(out.kcb),
            root=told(zone.root),
            rain=told(out.rain),
            irrigation=told(today.irrigation),
            percolation=told(out.percolation),
            correction=told(correction),
            drawn=drawn,
            refused=refused,
        )

    @property
    def date(self) -> date:
        """The day as a date."""
        return EPOCH + timedelta(days=self.day)


def write_rows(path: Path, rows: Sequence[BalanceRow]) -> None:
    """Write an account as CSV, replaced in one step; empty where there is nothing."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["date", *COLUMNS, "drawn_to", "too_far_from"])
    for row in rows:
        numbers = [getattr(row, name) for name in COLUMNS.values()]
        cells = ["" if math.isnan(n) else repr(n) for n in numbers]
        ids = ["|".join(row.drawn), "|".join(row.refused)]
        writer.writerow([row.date.isoformat(), *cells, *ids])
    write_text(path, stream.getvalue())


def read_rows(path: Path) -> list[BalanceRow]:
    """Read an account back; one that is missing or damaged has no rows."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return [_read_row(row) for row in csv.DictReader(stream)]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return []


def _read_row(row: Mapping[str, str]) -> BalanceRow:
    numbers = {
        name: float(row[column]) if row[column] else math.nan
        for column, name in COLUMNS.items()
    }
    return BalanceRow(
        day=epoch_day(date.fromisoformat(row["date"])),
        drawn=tuple(filter(None, row["drawn_to"].split("|"))),
        refused=tuple(filter(None, row["too_far_from"].split("|"))),
        **numbers,
    )

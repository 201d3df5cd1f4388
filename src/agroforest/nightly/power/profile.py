"""Files that say how clean the grid's hours are."""

import csv
from datetime import timedelta
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.nightly.power.hours import Profile, build_profile

# A week of hours takes 5 KB.
_MAX_BYTES = 1 << 20
_COLUMNS = ["hour", "g_per_kwh"]


def read_profile(path: Path, offset: timedelta) -> Profile:
    """Read a CSV with the columns ``hour`` and ``g_per_kwh``; see `build_profile`.

    Raises
    ------
    ConfigurationError
        The file is missing or is not such a table.
    """
    try:
        return build_profile(_read_rows(path), offset)
    except OSError as error:
        raise ConfigurationError(
            path, f"cannot be read ({error.strerror})", "correct energy.hours"
        ) from error
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(
            path, f"is no table of hours: {error}", "see docs/energy.md"
        ) from error


def _read_rows(path: Path) -> list[tuple[str, float]]:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError("is too large for one")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        table = csv.reader(stream, strict=True)
        if [name.strip() for name in next(table, [])] != _COLUMNS:
            raise ValueError(f"does not begin with {','.join(_COLUMNS)}")
        return [(hour, float(grams)) for hour, grams in filter(None, table)]

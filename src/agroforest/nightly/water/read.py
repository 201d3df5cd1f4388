"""What a night of water left on the disk, read back."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from agroforest.core.errors import DataError, NoInputError

Json = dict[str, Any]


def read_night(folder: Path, night: date | None = None) -> Json:
    """Read what a night knew of water.

    Parameters
    ----------
    folder
        Of the pipeline, in the work folder.
    night
        Which; the newest unless given.

    Raises
    ------
    NoInputError
        The night was not run.
    DataError
        Its file is damaged.
    """
    nights = sorted((folder / "water").glob("????-??-??.json"))
    if night is not None:
        nights = [path for path in nights if path.stem == night.isoformat()]
    if not nights:
        when = "any night" if night is None else str(night)
        raise NoInputError(
            folder, f"has no water of {when}", "run it: agroforest nightly PIPELINE"
        )
    try:
        document: Json = json.loads(nights[-1].read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            nights[-1], f"cannot be read ({error})", "remove it and run the night again"
        ) from error
    return document

"""File names of parcels."""

import re

from agroforest.core.identity import digest

_PLAIN = re.compile(r"\w[\w.-]{0,60}")


def file_name(parcel: str) -> str:
    """Name a parcel's file: by its id, or by its digest where that is no file name."""
    return parcel if _PLAIN.fullmatch(parcel) else f"parcel-{digest(parcel)}"

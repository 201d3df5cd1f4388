"""Codes kept in one file between two runs of a command.

The nights keep theirs in the store, beside the other states of a tile; a file is for
one station or one grid alone. It is replaced in one step, so a run that is killed
leaves the codes of the run before.
"""

import json
import zipfile
from pathlib import Path

import numpy as np

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.files import replacing
from agroforest.indices.fire_weather import Codes, Method

_ATTRIBUTES = "attributes"


def save_codes(path: Path, codes: Codes, *, place: str) -> None:
    """Write codes.

    Parameters
    ----------
    path
        The file, ``.npz``.
    codes
        To be gone on with.
    place
        Which station or grid they are of; asked for when they are loaded.
    """
    attributes = json.dumps(codes.attributes() | {"place": place})
    with replacing(path) as scratch, scratch.open("wb") as file:
        np.savez_compressed(
            file, allow_pickle=False, **codes.arrays(), attributes=np.array(attributes)
        )


def load_codes(path: Path, *, place: str, method: Method) -> Codes | None:
    """Read codes, ``None`` where nothing was kept yet.

    Raises
    ------
    ConfigurationError
        If they are of another place, or were made by another method.
    DataError
        If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        # np.load leaves a damaged file open that it opened itself
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files if name != _ATTRIBUTES}
            attributes = json.loads(str(kept[_ATTRIBUTES]))
        codes = Codes.from_saved(arrays, attributes)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            path, f"holds no codes ({error})", "leave it out, and start again"
        ) from error
    if attributes.get("place") != place:
        raise ConfigurationError(
            path,
            f"is of {attributes.get('place')!r}, the weather of {place!r}",
            "use one file of codes for each place",
        )
    if codes.method != method:
        raise ConfigurationError(
            path,
            f"was made with scale {codes.method.scale:.5f} and day lengths of "
            f"{codes.method.day_length}",
            "ask for the same, or start again in another file",
        )
    return codes

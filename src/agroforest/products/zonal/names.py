"""Names: of statistics, of rasters, and of columns that clash with no other."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from agroforest.core.errors import ConfigurationError

#: What can be asked for, in the order of the columns.
STATISTICS = ("count", "valid", "mean", "stdev", "min", "max", "median")
#: What is given unless something else is asked for.
USUAL = ("count", "valid", "mean", "stdev", "min", "max")

# `<tile>_<YYYY-MM-DD>_<index>`, as `cube.raster_name` gives.
_OURS = re.compile(
    r"(?P<tile>[0-9A-Za-z-]+)_(?P<day>\d{4}-\d\d-\d\d)_(?P<index>[\w-]+)"
)


def chosen_statistics(asked: Sequence[str]) -> tuple[str, ...]:
    """Statistics asked for, in the order of the columns.

    Raises
    ------
    ConfigurationError
        If one is unknown.
    """
    for name in asked:
        if name not in STATISTICS:
            raise ConfigurationError(
                "--stat", f"'{name}' is unknown", f"use {', '.join(STATISTICS)}"
            )
    return tuple(n for n in STATISTICS if n in (asked or USUAL))


def raster_prefixes(paths: Sequence[Path]) -> tuple[str, ...]:
    """Short names that tell rasters apart: ``ndvi``, or ``ndvi_20240506``.

    The index of a map of ours; with its day, its tile and finally the whole file
    name where shorter ones would be the same.

    Raises
    ------
    ConfigurationError
        If two files have the same name.
    """
    for parts in (("index",), ("index", "day"), ("tile", "day", "index"), ()):
        names = [_short(path.stem, parts) for path in paths]
        if len({name.casefold() for name in names}) == len(names):
            return tuple(names)
    raise ConfigurationError(
        ", ".join(map(str, paths)),
        "two rasters have the same name",
        "rename one, or leave it out",
    )


def free_names(names: Iterable[str], taken: Iterable[str]) -> tuple[str, ...]:
    """Names for the file's own columns, none like ours or like another.

    Databases do not tell ``Area`` from ``area``. A name that is taken gets
    ``_input`` appended, then ``_input2`` and so on.
    """
    used = {name.casefold() for name in taken}
    free = []
    for name in names:
        candidate, n = name, 1
        while candidate.casefold() in used:
            candidate = f"{name}_input{n if n > 1 else ''}"
            n += 1
        used.add(candidate.casefold())
        free.append(candidate)
    return tuple(free)


def _short(stem: str, parts: Sequence[str]) -> str:
    ours = _OURS.fullmatch(stem)
    if ours is None or not parts:
        return re.sub(r"\W+", "_", stem).strip("_") or "raster"
    words = [ours[part].replace("-", "") for part in parts]
    return "_".join(words)

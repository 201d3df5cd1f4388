"""Sensor files of any kind."""

from dataclasses import replace
from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.core.table import read_text
from agroforest.sensors.ismn import is_ismn, read_ismn
from agroforest.sensors.mapping import Mapping, read_mapping
from agroforest.sensors.record import SensorFile
from agroforest.sensors.table import PLAIN, is_plain, read_table
from agroforest.sensors.uplink import read_uplinks
from agroforest.sensors.workbook import is_workbook, read_sheet


def read_file(path: Path, *, mapping: Path | None = None) -> SensorFile:
    """Read a file of readings; its content says of which kind it is.

    Parameters
    ----------
    path
        ISMN ``.stm``, JSON of uplinks, CSV, or an Excel workbook.
    mapping
        TOML that says what columns and devices mean; see
        `agroforest.sensors.mapping`. A table without one must have the columns
        ``sensor``, ``time``, ``variable``, ``depth_m``, ``value`` and ``unit``.

    Returns
    -------
    SensorFile
        Sensors, readings, and what was set aside.

    Raises
    ------
    ConfigurationError
        A mapping is missing or does not fit the file.
    DataError
        The file is damaged or of another kind.
    """
    meant = read_mapping(mapping) if mapping is not None else None
    if is_workbook(path):
        table = meant or PLAIN
        found = read_table(read_content(path, table), path, table)
        return replace(found, format="xlsx")
    text = read_content(path, meant)
    if text.lstrip()[:1] in {"{", "["}:
        return read_uplinks(text, path, meant or Mapping())
    if is_ismn(text):
        return read_ismn(text, path)
    if meant is not None:
        return read_table(text, path, meant)
    if is_plain(text):
        return read_table(text, path, PLAIN)
    raise ConfigurationError(
        path,
        "is neither ISMN, JSON nor a table with the known headings",
        "give a mapping, see docs/sensors.md",
    )


def read_content(path: Path, mapping: Mapping | None = None) -> str:
    """Read the text of a file; of a workbook, that of a sheet as a table.

    Parameters
    ----------
    path
        The file.
    mapping
        Says in which encoding, or which sheet.

    Raises
    ------
    ConfigurationError, DataError
        It cannot be read.
    """
    meant = mapping or Mapping()
    if not is_workbook(path):
        return read_text(path, meant.encoding, otherwise="leave it out")
    one_column = not isinstance(meant.time.column, tuple)
    return read_sheet(
        path,
        sheet=meant.sheet,
        delimiter=meant.delimiter,
        decimal=meant.decimal,
        time_format=meant.time.format if one_column else "",
    )

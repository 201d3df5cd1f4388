"""Sensor files of any kind."""

from pathlib import Path

from agroforest.core.errors import ConfigurationError
from agroforest.core.table import read_text
from agroforest.sensors.ismn import is_ismn, read_ismn
from agroforest.sensors.mapping import Mapping, read_mapping
from agroforest.sensors.record import SensorFile
from agroforest.sensors.table import PLAIN, is_plain, read_table
from agroforest.sensors.uplink import read_uplinks


def read_file(path: Path, *, mapping: Path | None = None) -> SensorFile:
    """Read a file of readings; its content says of which kind it is.

    Parameters
    ----------
    path
        ISMN ``.stm``, JSON of uplinks, or CSV.
    mapping
        TOML that says what columns and devices mean; see
        `agroforest.sensors.mapping`. A CSV without one must have the columns
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
    encoding = meant.encoding if meant is not None else "utf-8-sig"
    text = read_text(path, encoding, otherwise="leave it out")
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

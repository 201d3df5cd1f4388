"""Check a file of readings: what lies beside it, what its units are, what it flags."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.core.reading import UNITS, Quality, Reading, Variable
from agroforest.core.table import read_text
from agroforest.sensors.check import Checked, Ground, check
from agroforest.sensors.file import read_content, read_file
from agroforest.sensors.flags_ismn import LOAM_SATURATION
from agroforest.sensors.guess import guess_mapping
from agroforest.sensors.instruments import pick_uppermost
from agroforest.sensors.ismn import is_ismn
from agroforest.sensors.mapping import Mapping, read_mapping
from agroforest.sensors.record import Refused, SensorFile
from agroforest.sensors.surroundings import Surroundings
from agroforest.sensors.table import is_plain, read_table
from agroforest.sensors.units import resolve_unit

_STATIC = "_static_variables.csv"
#: What ISMN calls the quantities that a soil moisture file is judged with.
_BESIDE = ("ts", "ta", "p")
_COLUMNS = ("time", "value", "flags", "unit", "sensor", "variable", "depth_m")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FileCheck:
    """A checked file.

    Attributes
    ----------
    checked
        Every reading, in file order.
    source_flags
        The producer's own flags, one text a reading; empty without any.
    ground
        What it was judged with.
    saturation_from
        Where the saturation is from, in both languages.
    beside
        Files used beside it.
    guessed
        What was guessed of its columns; empty where nothing was.
    unit
        In which soil moisture is shown: that of the file.
    has_zone
        False if its times name no zone; they are then shown as they are.
    refused
        Rows set aside.
    """

    checked: tuple[Checked, ...]
    source_flags: tuple[str, ...]
    ground: Ground
    saturation_from: str
    beside: tuple[Path, ...]
    guessed: str
    unit: str
    has_zone: bool
    refused: tuple[Refused, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """Build the table: headings, then one row a reading, numbers as text."""
        factor, offset = resolve_unit(self.unit, Variable.SOIL_MOISTURE)
        rows: list[tuple[str, ...]] = [_COLUMNS]
        for one in self.checked:
            reading = one.reading
            unit, value = UNITS[reading.variable], reading.value
            if reading.variable == Variable.SOIL_MOISTURE:
                unit = self.unit
                if value is not None and (factor, offset) != (1.0, 0.0):
                    value = round((value - offset) / factor, 9)
            time = reading.time.astimezone(UTC)
            rows.append(
                (
                    (time if self.has_zone else time.replace(tzinfo=None)).isoformat(),
                    "" if value is None else repr(value),
                    ",".join(one.flags),
                    unit,
                    reading.sensor,
                    reading.variable.value,
                    "" if reading.depth_m is None else repr(reading.depth_m),
                )
            )
        return rows


def check_file(
    path: Path,
    *,
    mapping: Path | None = None,
    beside: Sequence[Path] = (),
    model: Sequence[Path] = (),
    saturation: float | None = None,
) -> FileCheck:
    """Read a file and judge its readings.

    Parameters
    ----------
    path
        ISMN, uplinks, or a table; a table without a mapping is guessed at.
    mapping
        See `agroforest.sensors.read_file`.
    beside
        Files of instruments at the same place: temperatures, rain. For an ISMN file
        those of its folder are found.
    model
        Files of soil temperature and rain of a model at the same place.
    saturation
        m3/m3; for an ISMN file that of its folder is found, else that of a loam is
        assumed.

    Raises
    ------
    ConfigurationError
        A mapping that does not fit, or none where the columns cannot be guessed.
    DataError
        A damaged file.
    NoInputError
        No readings in it.
    """
    if saturation is not None and not 0 < saturation <= 1:
        raise ConfigurationError(
            f"saturation {saturation}", "is no share of volume", "give m3/m3, 0 to 1"
        )
    found, meant, guessed, has_zone = _read(path, mapping)
    if not found.readings:
        reason = found.refused[0].reason if found.refused else "it is empty"
        raise NoInputError(path, f"no readings in it ({reason})", "give another file")
    siblings = find_siblings(path) if found.format == "ismn" else []
    wettest, source = _find_saturation(path, found, saturation)
    ground = Ground(
        saturation=wettest,
        around=_build_surroundings([*beside, *siblings], model, mapping),
    )
    return FileCheck(
        checked=tuple(check(_unflag(found.readings), ground)),
        source_flags=found.source_flags,
        ground=ground,
        saturation_from=source,
        beside=(*beside, *siblings, *model),
        guessed=guessed,
        unit=_find_unit(meant),
        has_zone=has_zone,
        refused=found.refused,
    )


def find_siblings(path: Path) -> list[Path]:
    """Find ISMN files of temperatures and rain of the same station."""
    if "_sm_" not in path.name:
        return []
    station = path.name.partition("_sm_")[0]
    return [
        other
        for code in _BESIDE
        for other in sorted(path.parent.glob("*.stm"))
        if other.name.startswith(f"{station}_{code}_")
    ]


def read_saturation(path: Path, depth_m: float | None) -> float | None:
    """Read the saturation of an ISMN station's static variables.

    Parameters
    ----------
    path
        ``…_static_variables.csv``.
    depth_m
        Which layer; ``None`` takes the uppermost.

    Returns
    -------
    float or None
        m3/m3; ``None`` if the file does not say.
    """
    text = read_text(path, "utf-8-sig", otherwise="leave it out")
    layers: list[tuple[float, float, float]] = []
    for row in csv.DictReader(text.splitlines(), delimiter=";"):
        if row.get("quantity_name") == "saturation":
            try:
                top, bottom = float(row["depth_from[m]"]), float(row["depth_to[m]"])
                layers.append((top, bottom, float(row["value"])))
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(
                    path, f"has a damaged row of saturation ({error})", "leave it out"
                ) from error
    depth = 0.0 if depth_m is None else depth_m
    inside = [value for top, bottom, value in sorted(layers) if top <= depth <= bottom]
    return inside[0] if inside else None


def _read(path: Path, mapping: Path | None) -> tuple[SensorFile, Mapping, str, bool]:
    if mapping is not None:
        return read_file(path, mapping=mapping), read_mapping(mapping), "", True
    text = read_content(path)
    table = text.lstrip()[:1] not in {"{", "["} and not is_ismn(text)
    if not table or is_plain(text):
        return read_file(path), Mapping(), "", True
    guess = guess_mapping(text, path)
    found = read_table(text, path, guess.mapping)
    return found, guess.mapping, guess.said, guess.has_zone


def _unflag(readings: Sequence[Reading]) -> list[Reading]:
    """Leave the producer's flags out: they are what ours are compared with."""
    return [r.patch(quality=r.quality & Quality.MISSING) for r in readings]


def _find_unit(mapping: Mapping) -> str:
    """Find the unit of soil moisture, if the mapping names just one."""
    units = {
        section.unit
        for section in mapping.value
        if section.variable == Variable.SOIL_MOISTURE and section.unit
    }
    return units.pop() if len(units) == 1 else UNITS[Variable.SOIL_MOISTURE]


def _find_saturation(
    path: Path, found: SensorFile, given: float | None
) -> tuple[float, str]:
    if given is not None:
        return given, "用户给定 given"
    if found.format == "ismn":
        for static in sorted(path.parent.glob(f"*{_STATIC}")):
            known = read_saturation(static, found.readings[0].depth_m)
            if known is not None:
                return known, f"台站资料 {static.name}"
    return LOAM_SATURATION, "按壤土假设 assumed, a loam"


def _build_surroundings(
    beside: Sequence[Path], model: Sequence[Path], mapping: Path | None
) -> Surroundings:
    measured = [r for path in beside for r in _read_beside(path, mapping)]
    modelled = [r for path in model for r in _read_beside(path, mapping)]
    return Surroundings(
        soil_temperature=pick_uppermost(measured, Variable.SOIL_TEMPERATURE),
        air_temperature=pick_uppermost(measured, Variable.AIR_TEMPERATURE),
        rain=pick_uppermost(measured, Variable.PRECIPITATION),
        model_temperature=pick_uppermost(modelled, Variable.SOIL_TEMPERATURE),
        model_rain=pick_uppermost(modelled, Variable.PRECIPITATION),
    )


def _read_beside(path: Path, mapping: Path | None) -> tuple[Reading, ...]:
    text = read_content(path)
    plain = is_ismn(text) or is_plain(text) or text.lstrip()[:1] in {"{", "["}
    return read_file(path, mapping=None if plain else mapping).readings

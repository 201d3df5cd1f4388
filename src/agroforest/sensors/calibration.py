"""Calibration of a probe: a curve from what it reports to what is there, with dates.

A calibration file is TOML::

    [[calibration]]
    sensor = "lorawan:a840411234567890"
    variable = "soil_moisture"
    depth_m = 0.1  # without it, every depth
    from = 2024-03-01T00:00:00+08:00
    until = 2025-03-01T00:00:00+08:00  # not included; without it, to this day
    kind = "two-point"  # reported and true, in the variable's unit
    low = [0.04, 0.02]
    high = [0.38, 0.43]

    [[calibration]]
    sensor = "farm:3"
    from = 2024-03-01T00:00:00Z
    kind = "linear"  # true = factor * reported + offset
    factor = 1.08
    offset = -0.01

    [[calibration]]
    sensor = "farm:4"
    from = 2024-03-01T00:00:00Z
    kind = "formula"
    formula = "teros-soilless"

Curves are applied to copies; what the probe reported stays as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Reading, Variable

#: Coefficients of a polynomial, of the power 0 first.
Curve = tuple[float, ...]

#: TEROS 11/12 manual (METER Group): counts to water content, mineral soil, which
#: Decentlab's decoder applies, and soilless media, Eq. 2.
_TEROS_MINERAL: Curve = (-0.6956, 3.879e-4)
_TEROS_SOILLESS: Curve = (-10.848, 1.302e-2, -5.105e-6, 6.771e-10)
_DIGITS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """One curve of one probe, and when it holds.

    Attributes
    ----------
    sensor
        Id of the sensor.
    variable
        What it corrects, in the variable's unit.
    depth_m
        Of which depth; ``None`` of all.
    since, until
        From the first moment on and before the second; ``None`` to this day.
    curve
        ``true = c0 + c1 * reported + c2 * reported**2 + …``
    """

    sensor: str
    variable: Variable
    depth_m: float | None
    since: datetime
    until: datetime | None
    curve: Curve

    def holds(self, reading: Reading) -> bool:
        """Tell whether this curve is for this reading."""
        return (
            reading.sensor == self.sensor
            and reading.variable == self.variable
            and (self.depth_m is None or self.depth_m == reading.depth_m)
            and self.since <= reading.time
            and (self.until is None or reading.time < self.until)
        )


def fit_two_points(low: tuple[float, float], high: tuple[float, float]) -> Curve:
    """Find the line through two pairs of reported and true value.

    Raises
    ------
    ConfigurationError
        Both pairs report the same, or a wetter probe would read drier.
    """
    (reported_low, true_low), (reported_high, true_high) = low, high
    if reported_low == reported_high:
        raise ConfigurationError(
            f"two-point calibration {low} and {high}",
            "reports the same twice",
            "measure at two different states",
        )
    factor = (true_high - true_low) / (reported_high - reported_low)
    if factor <= 0:
        raise ConfigurationError(
            f"two-point calibration {low} and {high}",
            "turns the probe upside down",
            "give [reported, true] of each",
        )
    return true_low - factor * reported_low, factor


def find_formula(name: str) -> Curve:
    """Find a device's formula, as a curve of what its decoder gives.

    Raises
    ------
    ConfigurationError
        No such formula.
    """
    if name not in FORMULAS:
        raise ConfigurationError(
            f"formula {name!r}", "is not known", f"use one of {', '.join(FORMULAS)}"
        )
    return FORMULAS[name]


def evaluate(curve: Curve, reported: float) -> float:
    """Apply a curve; rounded, so that no binary noise looks like a change."""
    value = 0.0
    for coefficient in reversed(curve):
        value = value * reported + coefficient
    return round(value, _DIGITS)


def calibrate(
    readings: Iterable[Reading], calibrations: Sequence[Calibration]
) -> list[Reading]:
    """Correct readings by the curve that holds at their time.

    Parameters
    ----------
    readings
        Of any sensors. Those without a curve, and missing ones, stay as they are.
    calibrations
        None may overlap another; see `check_overlaps`.

    Returns
    -------
    list of Reading
        In the order given, flags untouched.
    """
    found: list[Reading] = []
    for reading in readings:
        curve = next((c.curve for c in calibrations if c.holds(reading)), None)
        if curve is None or reading.value is None:
            found.append(reading)
        else:
            found.append(reading.patch(value=evaluate(curve, reading.value)))
    return found


def check_overlaps(calibrations: Sequence[Calibration], where: object) -> None:
    """Refuse two curves for the same reading.

    Raises
    ------
    ConfigurationError
        Naming the sensor and the second curve's first moment.
    """
    for index, one in enumerate(calibrations):
        for other in calibrations[index + 1 :]:
            same = (one.sensor, one.variable) == (other.sensor, other.variable)
            deep = None in {one.depth_m, other.depth_m} or one.depth_m == other.depth_m
            ends = other.until is None or one.since < other.until
            starts = one.until is None or other.since < one.until
            if same and deep and ends and starts:
                later = max(one.since, other.since)
                raise ConfigurationError(
                    where,
                    f"two calibrations of {one.sensor} hold at {later.isoformat()}",
                    "end the older one, until = …",
                )


# ----------------------------------------------------------------------- file


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CalibrationSection(_Section):
    """``[[calibration]]``: as written in a file."""

    sensor: str
    variable: Variable = Variable.SOIL_MOISTURE
    depth_m: float | None = None
    since: AwareDatetime = Field(alias="from")
    until: AwareDatetime | None = None
    kind: Literal["linear", "two-point", "formula"]
    factor: float = 1.0
    offset: float = 0.0
    low: tuple[float, float] | None = None
    high: tuple[float, float] | None = None
    formula: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("until is not after from")
        if self.kind == "two-point" and (self.low is None or self.high is None):
            raise ValueError("two-point needs low and high")
        if self.kind == "formula" and not self.formula:
            raise ValueError("formula needs its name")
        return self

    def build(self) -> Calibration:
        """Turn it into a curve."""
        curve: Curve = (self.offset, self.factor)
        if self.low is not None and self.high is not None:
            curve = fit_two_points(self.low, self.high)
        elif self.formula:
            curve = find_formula(self.formula)
        return Calibration(
            sensor=self.sensor,
            variable=self.variable,
            depth_m=self.depth_m,
            since=self.since,
            until=self.until,
            curve=curve,
        )


class CalibrationFile(_Section):
    """A whole file of calibrations."""

    calibration: tuple[CalibrationSection, ...] = ()


def read_calibrations(path: Path) -> tuple[Calibration, ...]:
    """Read a calibration file.

    Raises
    ------
    ConfigurationError
        One line with the file, what is wrong and the way out.
    """
    file = read_settings(path, CalibrationFile, manual="docs/sensors.md")
    found = tuple(section.build() for section in file.calibration)
    check_overlaps(found, path)
    return found


def _compose(outer: Curve, line: Curve) -> Curve:
    """Curve of a curve of a straight line: ``outer(line(x))``."""
    result: list[float] = [0.0]
    for coefficient in reversed(outer):
        shifted = [0.0] * (len(result) + 1)
        for power, value in enumerate(result):
            shifted[power] += value * line[0]
            shifted[power + 1] += value * line[1]
        shifted[0] += coefficient
        result = shifted
    return tuple(result)


#: Device formulas, by name: from what the decoder gives to what the name says.
FORMULAS: dict[str, Curve] = {
    # Back to the counts, then the other equation.
    "teros-soilless": _compose(
        _TEROS_SOILLESS,
        (-_TEROS_MINERAL[0] / _TEROS_MINERAL[1], 1 / _TEROS_MINERAL[1]),
    ),
}

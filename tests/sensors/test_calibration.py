"""Calibration curves, their dates, and their file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError
from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors.calibration import (
    Calibration,
    calibrate,
    evaluate,
    find_formula,
    fit_two_points,
    read_calibrations,
)

START = datetime(2024, 3, 1, tzinfo=UTC)


def _reading(value: float | None, day: int = 0, **changes: object) -> Reading:
    reading = Reading(
        sensor="s",
        time=START + timedelta(days=day),
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.1,
        value=value,
        quality=Quality.SPIKE,
    )
    return reading.patch(**changes)


def _calibration(**changes: object) -> Calibration:
    fields: dict[str, object] = {
        "sensor": "s",
        "variable": Variable.SOIL_MOISTURE,
        "depth_m": None,
        "since": START,
        "until": START + timedelta(days=10),
        "curve": (0.01, 1.1),
    }
    return Calibration(**(fields | changes))  # type: ignore[arg-type]


def test_a_curve_holds_between_its_dates() -> None:
    readings = [_reading(0.2, day) for day in (-1, 0, 9, 10)]
    found = calibrate(readings, [_calibration()])
    assert [r.value for r in found] == [0.2, 0.23, 0.23, 0.2]
    assert all(r.quality == Quality.SPIKE for r in found)


def test_of_its_probe_variable_and_depth_only() -> None:
    deep = _calibration(depth_m=0.3)
    for other in (
        _reading(0.2),
        _reading(0.2, sensor="t", depth_m=0.3),
        _reading(20.0, variable=Variable.SOIL_TEMPERATURE, depth_m=0.3),
        _reading(None, depth_m=0.3),
    ):
        assert calibrate([other], [deep]) == [other]
    assert calibrate([_reading(0.2, depth_m=0.3)], [deep])[0].value == 0.23


@given(
    low=st.tuples(st.floats(0, 0.2), st.floats(0, 0.2)),
    high=st.tuples(st.floats(0.3, 0.6), st.floats(0.3, 0.6)),
)
def test_two_points_are_on_their_line(
    low: tuple[float, float], high: tuple[float, float]
) -> None:
    curve = fit_two_points(low, high)
    assert evaluate(curve, low[0]) == pytest.approx(low[1], abs=1e-6)
    assert evaluate(curve, high[0]) == pytest.approx(high[1], abs=1e-6)


def test_teros_in_soilless_media() -> None:
    # 2500 counts: mineral .3879e-3 * 2500 - .6956 = .27415; soilless, Eq. 2,
    # 10.5797 - 31.9063 + 32.55 - 10.848 = .37544.
    assert evaluate(find_formula("teros-soilless"), 0.27415) == pytest.approx(
        0.375438, abs=2e-6
    )
    with pytest.raises(ConfigurationError, match="use one of teros-soilless"):
        find_formula("magic")


FILE = """
[[calibration]]
sensor = "s"
from = 2024-03-01T00:00:00+08:00
until = 2025-03-01T00:00:00+08:00
kind = "two-point"
low = [0.0, 0.1]
high = [0.4, 0.5]
[[calibration]]
sensor = "s"
from = 2025-03-01T00:00:00+08:00
kind = "linear"
factor = 2.0
"""


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(FILE)
    found = read_calibrations(path)
    values = calibrate([_reading(0.2, 1), _reading(0.2, 400)], found)
    assert [r.value for r in values] == [0.3, 0.4]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("until = 2025-03-01T00:00:00+08:00", "", "two calibrations of s hold at 2025"),
        ("until = 2025", "until = 2023", "until is not after from"),
        ("high = [0.4, 0.5]", "", "two-point needs low and high"),
        ("high = [0.4, 0.5]", "high = [0.0, 0.5]", "reports the same twice"),
        ("high = [0.4, 0.5]", "high = [0.4, 0.0]", "upside down"),
        ("+08:00", "", "from"),
        ('kind = "linear"', 'kind = "formula"', "formula needs its name"),
        ('kind = "linear"', 'kind = "guess"', "kind"),
    ],
)
def test_a_wrong_file_is_one_line(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(ConfigurationError, match=problem) as raised:
        read_calibrations(path)
    assert "\n" not in str(raised.value)


def test_curves_of_two_depths_do_not_overlap(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    one = (
        '[[calibration]]\nsensor = "s"\nfrom = 2024-03-01T00:00:00Z\nkind = "linear"\n'
    )
    path.write_text(f"{one}depth_m = 0.1\n{one}depth_m = 0.3\n")
    assert len(read_calibrations(path)) == 2
    path.write_text(f"{one}depth_m = 0.1\n{one}")
    with pytest.raises(ConfigurationError, match="two calibrations"):
        read_calibrations(path)

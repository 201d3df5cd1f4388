"""Points that burned or not: what is read, what is refused, what a network sees."""

import csv
from pathlib import Path

import numpy as np
import pytest

from agroforest.core.errors import DataError
from agroforest.risk.datasets.fire_occurrence import (
    FEATURES,
    build_rows,
    position,
    read,
    scaled_columns,
    write,
)
from agroforest.risk.task import Answers

HEADER = ["fireBinary", *FEATURES, "year", "longitude"]


def save(folder: Path, rows: list[list[str]], header: list[str] = HEADER) -> Path:
    with (folder / "points.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return folder


def point(fire: str = "1.0", year: str = "2016.0", value: str = "0.5") -> list[str]:
    return [fire, *[value] * len(FEATURES), year, "99"]


def test_read(tmp_path: Path) -> None:
    rows = [point(), point("0", "2017", ""), point("", "2017")]
    found = read(save(tmp_path, rows))
    assert found.place.tolist() == ["2016", "2017", "2017"]
    assert found.truth is not None
    np.testing.assert_array_equal(found.truth, [1, 0, np.nan])
    assert found.values.shape == (3, 65)
    assert np.isnan(found.values[1]).all()
    assert (scaled_columns(found.values)[[0, 2]] == 0.5).all()
    # A longitude alone is no position.
    assert np.isnan(position(found.values)).all()


def test_positions_are_read(tmp_path: Path) -> None:
    rows = [[*point(), "18.5"], [*point(), ""]]
    found = read(save(tmp_path, rows, [*HEADER, "latitude"]))
    np.testing.assert_array_equal(
        position(found.values), np.array([[99, 18.5], [99, np.nan]], np.float32)
    )


@pytest.mark.parametrize("latitude", ["99", "-91", "inf"])
def test_what_is_no_latitude_is_refused(tmp_path: Path, latitude: str) -> None:
    with pytest.raises(DataError, match="line 2: latitude"):
        read(save(tmp_path, [[*point(), latitude]], [*HEADER, "latitude"]))


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    cells = [f"{v:.3f}" for v in rng.random(len(FEATURES))]
    row = dict(zip(HEADER, ["1", *cells, "2016", "99"], strict=True))
    header = list(rng.permutation(HEADER))
    found = read(save(tmp_path, [[row[n] for n in header]], header))
    said = scaled_columns(found.values)[0].tolist()
    assert said == pytest.approx([float(c) for c in cells])


def test_labels_and_years_may_be_absent(tmp_path: Path) -> None:
    found = read(save(tmp_path, [["0.25"] * 63] * 2, list(FEATURES)))
    assert found.truth is None
    assert len(found.values) == 2
    assert len(set(found.place)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (point(value="12.5"), "line 2: EVI is 12.5, not scaled"),
        (point(value="inf"), "line 2: EVI is inf"),
        (point(value="high"), "line 2: 'high' is no number"),
        (point(fire="2"), "line 2: fireBinary is '2'"),
        (point(year="2016.5"), "line 2: year '2016.5'"),
        (point(year=""), "line 2: year ''"),
        (point()[:-1], "line 2 has 65 fields, the header 66"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, row: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(save(tmp_path, [row]))


def test_a_missing_column_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"points\.csv: No such file"):
        read(tmp_path)
    (tmp_path / "points.csv").write_bytes(b"")
    with pytest.raises(DataError, match=r"no column EVI \(63 missing\)"):
        read(tmp_path)
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not CSV"):
        read(tmp_path)


def test_write(tmp_path: Path) -> None:
    samples = read(save(tmp_path, [point(), point()]))
    answers = Answers(
        value=np.array([[0.25], [1]], np.float32), spread=np.zeros(2, np.float32)
    )
    (path,) = write(tmp_path / "out", samples, answers, 0.5)
    assert path.name == "predictions.csv"
    lines = path.read_text().splitlines()
    assert lines == ["probability,spread", "0.250000,0.000000", "1.000000,0.000000"]


def test_rows_are_finite_at_zero_distance() -> None:
    """Zero, and a little below it, is where it burned."""
    values = np.zeros((2, 63), np.float32)
    values[1] = -0.01
    assert np.isfinite(build_rows(values)).all()


def test_rows_leave_the_weather_of_the_year_out() -> None:
    values = np.full((2, 63), 0.5, np.float32)
    for name in ("PDSI", "precipitation", "VPD", "soilMoisture"):
        values[1, FEATURES.index(name)] = 0.9
    first, second = build_rows(values)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["distanceBurn1yrBefore", "nir", "distanceRice"])
def test_rows_follow_what_counts(name: str) -> None:
    values = np.full((2, 63), 0.5, np.float32)
    values[1, FEATURES.index(name)] = 0.1
    first, second = build_rows(values)
    assert not np.array_equal(first, second)


def test_missing_stays_missing() -> None:
    values = np.full((1, 63), 0.5, np.float32)
    values[0, FEATURES.index("distanceBurn1yrBefore")] = np.nan
    assert np.isnan(build_rows(values)).any()

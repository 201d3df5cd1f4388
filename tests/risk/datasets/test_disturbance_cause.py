"""Series of a place in a Parquet file: in, and answers out."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agroforest.core.errors import DataError
from agroforest.risk.datasets.disturbance_cause import (
    BANDS,
    CAUSES,
    STEPS,
    read,
    write,
)
from agroforest.risk.task import Answers


def columns(rows: int, first: int = 0) -> dict[str, Any]:
    """Series whose numbers tell row, step and band apart."""
    row = np.arange(first, first + rows, dtype=np.int16) * 100
    return {
        f"B_{band}_{step}": pa.array(row + 10 * step + band, pa.int16())
        for step in range(1, STEPS + 1)
        for band in BANDS
    }


def save(path: Path, table: dict[str, Any]) -> None:
    pq.write_table(pa.table(table), path)


def test_series_are_read_by_file_step_and_band(tmp_path: Path) -> None:
    save(tmp_path / "b.parquet", {**columns(2, 5), "label": ["TBE", None]})
    shuffled = dict(sorted(columns(3).items(), reverse=True))
    save(tmp_path / "a.parquet", {**shuffled, "label": ["BR", "ARP", "NF"]})
    found = read(tmp_path)
    assert found.place.tolist() == ["a", "a", "a", "b", "b"]
    assert found.name.tolist() == [0, 1, 2, 0, 1]
    assert found.values.shape == (5, 10, 6)
    assert found.values.dtype == np.float32
    # Row 5, step 3, band 7.
    assert found.values[3, 2, 5] == pytest.approx((500 + 30 + 7) / 10_000)
    assert found.truth is not None
    assert found.truth.tolist() == [1, 0, 8, 10, -1]


def test_years_are_not_read(tmp_path: Path) -> None:
    with_years = {**columns(2), "first_year": [1999.0, 2001.0], "label": ["BR", "CT"]}
    save(tmp_path / "a.parquet", with_years)
    before = read(tmp_path)
    with_years["first_year"] = [2013.0, 2021.0]
    save(tmp_path / "a.parquet", with_years)
    np.testing.assert_array_equal(read(tmp_path).values, before.values)


def test_missing_is_nan_and_labels_are_optional(tmp_path: Path) -> None:
    table = columns(3)
    table["B_4_2"] = pa.array([-32768, None, 250], pa.int16())
    table["B_4_3"] = pa.array([np.nan, 1.0, 2.0], pa.float64())
    save(tmp_path / "a.parquet", table)
    save(tmp_path / "b.parquet", {**columns(1), "label": ["BR"]})
    found = read(tmp_path)
    assert found.truth is None
    assert np.isnan(found.values[:2, 1, 3]).all()
    assert np.isnan(found.values[0, 2, 3])
    assert np.isfinite(found.values[2]).all()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"B_7_10": None}, "no column B_7_10"),
        ({"label": ["BR", "FIRE"]}, "label 'FIRE'"),
        ({"B_1_1": ["x", "y"]}, "B_1_1 is"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    table = {**columns(2), "label": ["BR", "CT"], **change}
    save(tmp_path / "7.parquet", {n: c for n, c in table.items() if c is not None})
    with pytest.raises(DataError, match=problem) as caught:
        read(tmp_path)
    assert caught.value.where == str(tmp_path / "7.parquet")


def test_no_files_and_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \.parquet"):
        read(tmp_path)
    (tmp_path / "1.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match="not a Parquet file"):
        read(tmp_path)


def test_answers_keep_the_rows_and_nothing_seen_is_null(tmp_path: Path) -> None:
    table = {n: c.to_numpy().copy() for n, c in columns(4).items()}
    for column in table.values():
        column[2] = -32768
    save(tmp_path / "12.parquet", table)
    save(tmp_path / "3.parquet", columns(2, 9))
    samples = read(tmp_path)
    chance = np.random.default_rng(0).dirichlet(np.ones(11), 6).astype(np.float32)
    shuffled = np.array([5, 3, 0, 2, 4, 1])
    answers = Answers(value=chance[shuffled], spread=np.zeros(6, np.float32))
    out = tmp_path / "out"
    files = write(out, samples.take(shuffled), answers, float("nan"))
    assert sorted(f.name for f in files) == ["12.parquet", "3.parquet"]
    first = pq.read_table(out / "12.parquet").to_pydict()
    assert list(first) == ["label", *(f"p_{c}" for c in CAUSES)]
    best = [CAUSES[n] for n in chance.argmax(axis=1)]
    assert first["label"] == [best[0], best[1], None, best[3]]
    assert first["p_TBE"][2] is None
    assert first["p_TBE"][3] == pytest.approx(chance[3, 10])
    assert pq.read_table(out / "3.parquet")["label"].to_pylist() == best[4:]

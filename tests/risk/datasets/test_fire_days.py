"""Samples of cell-days on disk, and what is made of them."""

import math
from pathlib import Path

import numpy as np
import pytest

from agroforest.core.errors import DataError
from agroforest.risk.datasets.fire_days import (
    FEATURES,
    CellDays,
    build_rows,
    read,
    save,
    write,
)
from agroforest.risk.task import Answers


def _samples(n: int = 6) -> CellDays:
    noise = np.random.default_rng(1)
    return CellDays(
        values=noise.normal(5, 2, (n, len(FEATURES))).astype(np.float32),
        place=np.array(["2020-01", "2020-02"] * (n // 2)),
        name=np.array([f"2020-01-01 {i}" for i in range(n)]),
        truth=np.arange(n, dtype=np.float32) % 2,
        log_share=np.full(n, np.log(0.1), np.float32),
    )


def test_a_sample_survives_its_file(tmp_path: Path) -> None:
    samples = _samples()
    first = save(tmp_path, samples).read_bytes()
    found = read(tmp_path)
    for name in ("values", "place", "name", "truth", "log_share"):
        assert np.array_equal(getattr(found, name), getattr(samples, name))
    some = found.take(np.array([4, 1]))
    assert some.name.tolist() == ["2020-01-01 4", "2020-01-01 1"]
    assert some.log_share.shape == (2,)
    assert save(tmp_path, samples).read_bytes() == first


def test_other_features_and_damage_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, _samples())
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in kept.files}
    np.savez(path, **(arrays | {"features": np.array(["a"])}))
    with pytest.raises(DataError, match="other features"):
        read(tmp_path)
    np.savez(path, **(arrays | {"place": arrays["place"][:2]}))
    with pytest.raises(DataError, match="lengths"):
        read(tmp_path)
    path.write_bytes(b"PK")
    with pytest.raises(DataError, match="no days of cells"):
        read(tmp_path)


def test_predictions_are_chances_on_the_ground(tmp_path: Path) -> None:
    samples = _samples(2)
    answers = Answers(
        value=np.array([[0.5], [0.5]], np.float32), spread=np.zeros(2, np.float32)
    )
    (path,) = write(tmp_path, samples, answers, float("nan"))
    rows = path.read_text(encoding="utf-8").splitlines()
    assert rows[0] == "cell_day,probability,spread"
    # odds of 1 in a sample that holds a tenth of the other days: 1 in 11
    assert float(rows[1].split(",")[1]) == pytest.approx(0.1 / 1.1)


def test_long_tails_become_logarithms_and_the_missing_stays_missing() -> None:
    values = np.full((1, len(FEATURES)), np.nan, np.float32)
    values[0, FEATURES.index("rain")] = math.e - 1
    rows = build_rows(values)
    assert rows[0, FEATURES.index("rain")] == pytest.approx(1.0)
    assert np.isnan(rows[0, FEATURES.index("road_km")])
    assert values[0, FEATURES.index("rain")] == pytest.approx(math.e - 1)

"""Fuel moisture: what is read, what is refused, and what students see of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.risk.datasets.fuel_moisture import CHANNELS, FEATURES, read, write
from agroforest.risk.datasets.fuel_moisture_rows import (
    DEPARTING,
    build_rows,
    build_rows_beside,
    day_length,
    evaporative_demand,
    name_rows,
)
from agroforest.risk.task import Answers

NAMES = name_rows()


def arrays(count: int = 4) -> dict[str, NDArray[Any]]:
    month = np.array([-13.0, -20, *range(400, 1500, 100), 290, 0.002, 900, 4, 0.5])
    return {
        "s1_s2_era5_srtm": np.tile(month, (count, 3, 1)),
        "month": np.tile([4, 5, 6], (count, 1)),
        "latlon": np.tile([39.0, -110.0], (count, 1)),
        "site": np.array([f"s{n // 2}" for n in range(count)]),
        "target": np.linspace(60, 160, count),
    }


def save(folder: Path, content: dict[str, NDArray[Any]]) -> Path:
    for name, array in content.items():
        np.save(folder / f"{name}.npy", array)
    return folder


def row_of(**changes: float) -> dict[str, float]:
    """One sample's row by name, after changes of its last month."""
    values = np.concatenate([arrays(1)["s1_s2_era5_srtm"][0, 0], [6, 39]])
    series = np.tile(values, (1, 3, 1)).astype(np.float32)
    for name, value in changes.items():
        steps = slice(None) if name in {"latitude", "elevation"} else 2
        series[0, steps, FEATURES.index(name)] = value
    return dict(zip(NAMES, build_rows(series)[0].tolist(), strict=True))


# ---------------------------------------------------------------- files
def test_read(tmp_path: Path) -> None:
    found = read(save(tmp_path, arrays()))
    assert found.values.shape == (4, 3, len(FEATURES))
    assert found.values.dtype == np.float32
    assert found.place.tolist() == ["s0", "s0", "s1", "s1"]
    assert found.truth is not None
    assert found.truth.tolist() == pytest.approx([60, 93.33, 126.67, 160], abs=0.01)
    last = dict(zip(FEATURES, found.values[0, 2].tolist(), strict=True))
    assert last["month"] == 6
    assert last["latitude"] == 39
    assert last["NDVI"] == 0.5
    assert last["B02"] == 400


def test_sites_and_targets_may_be_absent(tmp_path: Path) -> None:
    content = arrays()
    del content["site"], content["target"]
    found = read(save(tmp_path, content))
    assert found.truth is None
    assert len(set(found.place)) == 1


def test_without_sites_a_position_is_a_place(tmp_path: Path) -> None:
    content = arrays()
    del content["site"]
    content["latlon"][3] = (39.0, -110.5)
    place = read(save(tmp_path, content)).place
    assert (place[:3] == place[0]).all()
    assert place[3] != place[0]


def test_longitude_plays_no_part(tmp_path: Path) -> None:
    content = arrays()
    here = build_rows(read(save(tmp_path, content)).values)
    content["latlon"][:, 1] += 60
    there = build_rows(read(save(tmp_path, content)).values)
    np.testing.assert_array_equal(here, there)


def change(name: str, value: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {**arrays(), name: value}


CELSIUS = arrays()["s1_s2_era5_srtm"] - 273.15


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (change("month", np.full((4, 3), 12)), "month.npy: 12 is not within 0..11"),
        (change("month", np.zeros((3, 3))), "month.npy: 3 rows, latlon.npy has 4"),
        (change("latlon", np.full((4, 2), 91.0)), "latlon.npy: 91 is not within"),
        (change("latlon", np.full((4, 2), np.nan)), "latlon.npy: nan is not within"),
        (change("s1_s2_era5_srtm", np.zeros((4, 3, 17))), r"not numbers \(n, 3, 18\)"),
        (change("s1_s2_era5_srtm", CELSIUS), "not within 180..340"),
        (change("site", np.array(["a"])), "site.npy: shape"),
        (change("target", np.zeros(3)), "target.npy: 3 rows"),
        (change("target", np.full(4, -1.0)), "target.npy: -1 is not within"),
        (change("target", np.array(["a"] * 4)), "target.npy: <U1 of shape"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, content: dict[str, NDArray[Any]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(save(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"s1_s2_era5_srtm\.npy: No such file"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["site", "latlon"])
def test_pickles_and_rubbish_are_refused(tmp_path: Path, name: str) -> None:
    save(tmp_path, arrays())
    np.save(tmp_path / f"{name}.npy", np.array([{}], dtype=object))
    with pytest.raises(DataError, match=f"{name}.npy: not an array"):
        read(tmp_path)
    (tmp_path / f"{name}.npy").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=f"{name}.npy: not an array"):
        read(tmp_path)


def test_write(tmp_path: Path) -> None:
    samples = read(save(tmp_path, arrays(2)))
    answers = Answers(
        value=np.array([[81.25], [140.0]], np.float32),
        spread=np.array([3.5, 0], np.float32),
    )
    (path,) = write(tmp_path / "out", samples, answers, float("nan"))
    assert path.name == "predictions.csv"
    assert path.read_text() == "lfmc,spread\n81.250,3.500\n140.000,0.000\n"


# ---------------------------------------------------------------- rows
def test_columns_are_named_and_finite() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(np.isfinite(value) for value in row_of().values())


def test_by_hand() -> None:
    row = row_of(B8A=3000, B11=1000, VV=-10, VH=-17, rain=0.005, temperature=283.15)
    assert row["NDMI"] == pytest.approx(0.5)
    assert row["VH_VV"] == pytest.approx(-7)
    assert row["rain"] == pytest.approx(9)
    assert row["log_rain_2"] == pytest.approx(np.log(5.2))
    assert row["warming"] == pytest.approx(-6.85, abs=1e-3)
    assert row["warmth_2"] == pytest.approx(10, abs=1e-3)
    # July: (6.5 months) * 30.4 days at 39 degrees and 900 m.
    assert row["season"] == pytest.approx(197.6)


def some_rows(seed: int, count: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    values = np.tile(arrays(1)["s1_s2_era5_srtm"][0, 0], (count, 3, 1))
    values[..., CHANNELS.index("temperature")] += rng.uniform(-20, 20, (count, 3))
    series = np.concatenate([values, np.full((count, 3, 2), (6, 39))], axis=2)
    return series.astype(np.float32)


def test_departures_are_from_the_mean_of_the_place() -> None:
    """Three at one place, 1 and 2 K above and 3 K below their mean; one alone."""
    values = np.repeat(some_rows(0, 1), 4, axis=0)
    values[:, 2, FEATURES.index("temperature")] = [291, 292, 287, 300]
    place = np.array(["a", "a", "a", "b"])
    found = build_rows_beside(values, place)
    np.testing.assert_array_equal(found[:, : len(NAMES)], build_rows(values))
    departure = found[:, len(NAMES) :]
    np.testing.assert_allclose(departure[:, 2], [1, 2, -3, 0], atol=1e-4)
    np.testing.assert_array_equal(departure[3], 0)


@pytest.mark.parametrize("count", range(1, 30))
def test_what_is_the_same_all_over_a_place_tells_nothing_of_it(count: int) -> None:
    """A mean errs in the last digit, and trees would know the place by that."""
    values = np.repeat(some_rows(count, 1), count, axis=0)
    values[..., FEATURES.index("slope")] = 1.85433412
    place = np.repeat("a", count)
    found = build_rows_beside(values, place, ("slope", "season"))
    assert not found[:, len(NAMES) :].any()


def test_only_what_is_asked_for_departs() -> None:
    values, place = some_rows(3, 4), np.repeat("a", 4)
    whole = build_rows_beside(values, place)
    one = build_rows_beside(values, place, DEPARTING[2:3])
    np.testing.assert_array_equal(one[:, len(NAMES)], whole[:, len(NAMES) + 2])
    np.testing.assert_array_equal(
        build_rows_beside(values, place, ()), build_rows(values)
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_departures_of_a_place_add_up_to_nothing(seed: int, count: int) -> None:
    values = some_rows(seed, count)
    place = np.random.default_rng(seed).choice(["a", "b", "c"], count)
    departure = build_rows_beside(values, place)[:, len(NAMES) :]
    for name in np.unique(place):
        total = departure[place == name].sum(axis=0)
        np.testing.assert_allclose(total, 0, atol=0.02)


def test_a_missing_number_is_missing_of_its_sample_alone() -> None:
    values = some_rows(2, 3)
    place = np.repeat("a", 3)
    whole = build_rows_beside(values[:2], place[:2])
    values[2, :, FEATURES.index("temperature")] = np.nan
    found = build_rows_beside(values, place)
    np.testing.assert_array_equal(np.isfinite(found[:2]), np.isfinite(whole))
    warmth = len(NAMES) + 2
    np.testing.assert_allclose(found[:2, warmth], whole[:, warmth], atol=1e-4)
    assert np.isnan(found[2, warmth])


def test_neighbours_play_no_part() -> None:
    values = some_rows(1, 6)
    place = np.array(["a", "a", "a", "b", "b", "b"])
    whole = build_rows_beside(values, place)
    np.testing.assert_array_equal(whole[:3], build_rows_beside(values[:3], place[:3]))


def test_zero_by_zero_is_missing() -> None:
    row = row_of(B8A=0, B11=0)
    assert np.isnan(row["NDMI"])
    assert np.isfinite(row["NDVI"])


def test_a_degree_north_is_four_hundred_feet_up() -> None:
    north, up = row_of(latitude=40), row_of(elevation=900 + 122)
    assert north["season"] == pytest.approx(row_of()["season"] - 4)
    assert up["season"] == pytest.approx(north["season"])
    assert up["season_by_latitude"] != north["season_by_latitude"]


@given(latitude=st.floats(-60, 60), month=st.integers(0, 11))
def test_days_of_both_hemispheres_share_the_day(latitude: float, month: int) -> None:
    where, when = np.array([latitude, -latitude]), np.full(2, float(month))
    assert day_length(where, when).sum() == pytest.approx(24)


def test_day_length_against_an_almanac() -> None:
    """Mid-month at 40° N: FAO-56 table 2.7 gives 9.6, 14.8 and 12.4 hours."""
    found = day_length(np.full(3, 40.0), np.array([0.0, 6, 8]))
    assert found.tolist() == pytest.approx([9.6, 14.7, 12.4], abs=0.2)


def test_evaporative_demand() -> None:
    """At 20 °C and 12 h: e = 2.338 kPa, so 29.8 * 12 * 2.338 / 293.2."""
    found = evaporative_demand(np.array([20.0, -5.0]), np.array([12.0, 12.0]))
    assert found.tolist() == pytest.approx([2.852, 0], abs=0.002)


def test_channels_are_those_of_the_file() -> None:
    assert len(CHANNELS) == 18
    assert CHANNELS[13:] == ("temperature", "rain", "elevation", "slope", "NDVI")

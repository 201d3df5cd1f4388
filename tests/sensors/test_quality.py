"""Quality flags."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors import flag, read_file
from agroforest.sensors.quality import find_flat, find_gaps, find_spikes

START = datetime(2024, 5, 1, tzinfo=UTC)
SM = Variable.SOIL_MOISTURE


def _series(
    values: list[float | None],
    variable: Variable = SM,
    hours: list[float] | None = None,
    sensor: str = "s",
) -> list[Reading]:
    moments = hours if hours is not None else list(map(float, range(len(values))))
    return [
        Reading(
            sensor=sensor,
            time=START + timedelta(hours=hour),
            variable=variable,
            depth_m=0.1,
            value=value,
        )
        for hour, value in zip(moments, values, strict=True)
    ]


def _flagged(readings: list[Reading], quality: Quality) -> list[int]:
    return [i for i, r in enumerate(flag(readings)) if r.quality & quality]


@pytest.mark.parametrize(
    ("variable", "values", "outside"),
    [
        (SM, [0.0, 0.6, -0.001, 0.601, None], [2, 3]),
        (Variable.SOIL_TEMPERATURE, [-60.0, 60.0, -60.1, 61.0, None], [2, 3]),
        (Variable.RELATIVE_HUMIDITY, [0.0, 100.0, -1.0, 100.5, None], [2, 3]),
    ],
)
def test_range(
    variable: Variable, values: list[float | None], outside: list[int]
) -> None:
    assert _flagged(_series(values, variable), Quality.RANGE) == outside
    assert _flagged(_series(values, variable), Quality.MISSING) == [4]


def test_spike_by_hand() -> None:
    # Eq. 4: 25 / 20 = 1.25. Second differences 5, -10, 5: Eq. 5 gives 5 / 5 = 1.
    # Eq. 6: the readings around it are all 20, so the variance is 0.
    values: list[float | None] = [0.2] * 30
    values[15] = 0.25
    assert _flagged(_series(values), Quality.SPIKE) == [15]
    values[15] = 0.15
    assert _flagged(_series(values), Quality.SPIKE) == [15]
    values[15] = 0.2299  # a step of 14.95 %
    assert _flagged(_series(values), Quality.SPIKE) == []
    values[15:] = [0.25] * 15  # a step that stays is rain
    assert _flagged(_series(values), Quality.SPIKE) == []


def test_spike_eq5_wants_the_same_bend_before_and_after() -> None:
    values: list[float | None] = [0.2] * 30
    values[15], values[16] = 0.25, 0.22
    # 20 25 22 20: second differences +5 before it and +1 after, Eq. 5 gives 5.
    assert _flagged(_series(values), Quality.SPIKE) == []


def test_spike_eq6_wants_quiet_neighbours() -> None:
    # Around the spike 12 readings of 18 and 12 of 22 %: variance 96 / 23 = 4.17,
    # mean 20, ratio 0.21; with 10 and 30 %: 2400 / 23 = 104.3, ratio 5.2.
    for low, high, expected in ((0.18, 0.22, [15]), (0.10, 0.30, [])):
        values: list[float | None] = [low, high] * 15
        values[13:18] = [0.2, 0.2, 0.3, 0.2, 0.2]
        assert (15 in _flagged(_series(values), Quality.SPIKE)) == bool(expected)


def test_spike_needs_its_neighbours() -> None:
    values: list[float | None] = [0.2] * 30
    values[15] = 0.25
    hours = [float(i) + (5 if i > 15 else 0) for i in range(30)]
    assert _flagged(_series(values, hours=hours), Quality.SPIKE) == []
    values[17] = None
    assert _flagged(_series(values), Quality.SPIKE) == []


def test_wild_neighbour_does_not_hide_a_spike() -> None:
    values: list[float | None] = [0.2] * 40
    values[20], values[26] = 0.25, 1.7
    assert _flagged(_series(values), Quality.SPIKE) == [20]
    assert _flagged(_series(values), Quality.RANGE) == [26]


def test_temperature_spike() -> None:
    values: list[float | None] = [20.0 + 0.2 * i for i in range(20)]
    values[10] = 26.0  # 4 above the middle of 21.8 and 22.2, less their half step 0.2
    series = _series(values, Variable.SOIL_TEMPERATURE)
    assert _flagged(series, Quality.SPIKE) == [10]
    assert _flagged(_series(values, Variable.AIR_TEMPERATURE), Quality.SPIKE) == []


def test_flat_line() -> None:
    values: list[float | None] = [0.2 + 0.01 * (i % 3) for i in range(10)]
    flat = [*values, *[0.3] * 74, *values]  # 73 hours from first to last
    assert _flagged(_series(flat), Quality.FLAT) == list(range(10, 84))
    short = [*values, *[0.3] * 73, *values]
    assert _flagged(_series(short), Quality.FLAT) == []


def test_flat_line_is_not_broken_by_missing_but_by_silence() -> None:
    values: list[float | None] = [0.3] * 80
    values[40] = None
    assert _flagged(_series(values), Quality.FLAT) == [*range(40), *range(41, 80)]
    hours = [float(i) + (200 if i >= 40 else 0) for i in range(80)]
    assert _flagged(_series([0.3] * 80, hours=hours), Quality.FLAT) == []


def test_what_may_rest_is_not_flat() -> None:
    for variable, value in (
        (Variable.PRECIPITATION, 0.0),
        (Variable.BATTERY, 3.6),
        (Variable.RELATIVE_HUMIDITY, 100.0),
    ):
        assert _flagged(_series([value] * 200, variable), Quality.FLAT) == []
    sparse = _series([0.3] * 11, hours=[24.0 * i for i in range(11)])
    assert _flagged(sparse, Quality.FLAT) == []


def test_gap() -> None:
    hours = [0.0, 1.0, 2.0, 3.0, 9.0, 10.0, 16.1, 17.0]
    assert _flagged(_series([0.2] * 8, hours=hours), Quality.GAP) == [6]
    assert _flagged(_series([0.2] * 2, hours=[0.0, 99.0]), Quality.GAP) == []


def test_a_device_that_reports_errors_is_not_silent() -> None:
    values: list[float | None] = [0.2, 0.21, *[None] * 10, 0.2, 0.21]
    assert _flagged(_series(values), Quality.GAP) == []


def test_series_are_judged_apart_and_flags_of_others_stay() -> None:
    values: list[float | None] = [0.2] * 30
    values[15] = 0.25
    others = _series([0.2] * 30, sensor="o")
    mixed = [r for pair in zip(_series(values), others, strict=True) for r in pair]
    assert _flagged(mixed, Quality.SPIKE) == [30]
    theirs = [r.patch(quality=Quality.FLAT) for r in mixed]
    assert flag(theirs)[30].quality == Quality.FLAT | Quality.SPIKE


def test_nothing_and_next_to_nothing() -> None:
    empty = np.empty(0)
    assert flag([]) == []
    for variable in Variable:
        assert len(find_spikes(empty, empty, variable)) == 0
        assert len(find_flat(empty, empty, variable)) == 0
        for value in (0.0, None):
            [one] = flag(_series([value], variable))
            expected = Quality.GOOD if value is not None else Quality.MISSING
            batteries = {Variable.BATTERY, Variable.BATTERY_LEVEL}
            if variable in batteries and value is not None:
                expected = Quality.BATTERY
            assert one.quality == expected
    assert len(find_gaps(empty)) == 0


_VALUES = st.lists(
    st.none()
    | st.sampled_from([0.2, 0.21, 0.25, 0.3])
    | st.floats(-1, 2, allow_nan=False),
    max_size=120,
)


@given(
    values=_VALUES,
    variable=st.sampled_from(Variable),
    steps=st.lists(st.sampled_from([0.0, 1.0, 1.0, 1.0, 30.0]), min_size=120),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None)
def test_order_does_not_matter_and_twice_is_once(
    values: list[float | None], variable: Variable, steps: list[float], seed: int
) -> None:
    hours = np.cumsum(steps)[: len(values)].tolist()
    series = _series(values, variable, hours)
    flagged = flag(series)
    assert [r.patch(quality=Quality.GOOD) for r in flagged] == series
    assert flag(flagged) == flagged
    shuffled = random.Random(seed).sample(series, len(series))  # noqa: S311  no secret
    assert sorted(map(repr, flag(shuffled))) == sorted(map(repr, flagged))


FAULTY = """
timezone = "UTC"
[time]
column = 1
[sensor]
id = "faulty"
[[value]]
column = "SoilMoisture"
variable = "soil_moisture"
unit = "%"
depth_m = 0.1
"""


@pytest.mark.data
def test_faulty_probe(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(FAULTY)
    path = data_dir / "soil_faulty" / "soil_moisture_spikes.csv"
    found = read_file(path, mapping=tmp_path / "m.toml")
    assert (len(found.readings), found.refused) == (10607, ())
    flagged = flag(found.readings)
    wild = [r for r in flagged if r.value is not None and not 0 <= r.value <= 0.6]
    assert len(wild) == 3484
    assert wild == [r for r in flagged if r.quality & Quality.RANGE]
    gaps = [r.time for r in flagged if r.quality & Quality.GAP]
    assert gaps == [datetime(2021, 3, 3, 15, 2, 35, tzinfo=UTC)]


@pytest.mark.data
def test_agreement_with_ismn(data_dir: Path) -> None:
    """Their D06, C01 and C02 on four stations, our SPIKE and RANGE."""
    spikes: list[tuple[bool, bool]] = []
    for path in sorted((data_dir / "soil_ismn").glob("*/*/*.stm")):
        found = read_file(path)
        plain = [r.patch(quality=Quality.GOOD) for r in found.readings]
        for reading, theirs in zip(flag(plain), found.source_flags, strict=True):
            spikes.append(("D06" in theirs, bool(reading.quality & Quality.SPIKE)))
            wild = "C01" in theirs or "C02" in theirs
            assert bool(reading.quality & Quality.RANGE) == wild
            assert not reading.quality & Quality.FLAT
    assert spikes.count((True, True)) == 62
    assert spikes.count((True, False)) == 0
    assert spikes.count((False, True)) <= 4

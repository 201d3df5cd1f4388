"""Sensors and readings."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.store import AddedReadings, Store, open_store

NOON = datetime(2020, 6, 1, 12, tzinfo=UTC)


ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

_READINGS = st.lists(
    st.builds(
        Reading,
        sensor=st.sampled_from(["s1", "ismn:MAQU/CST-01", "田"]),
        time=st.datetimes(
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
            min_value=datetime(1960, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
        ),
        variable=st.sampled_from(Variable),
        depth_m=st.none() | st.sampled_from([-2.0, -0.0, 0.0, 0.05, 0.0508]),
        value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        quality=st.integers(0, 31).map(Quality),
    ),
    unique_by=lambda r: (r.sensor, r.time, r.variable, r.depth_m),
    max_size=30,
)


def make_reading(**changes: object) -> Reading:
    reading = Reading(
        sensor="s1",
        time=NOON,
        variable=Variable.SOIL_MOISTURE,
        depth_m=0.05,
        value=0.25,
    )
    return reading.patch(**changes)


@given(readings=_READINGS, cut=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_readings_come_back_and_are_added_once(
    readings: list[Reading], cut: int
) -> None:
    with TemporaryDirectory() as folder, open_store(Path(folder) / "a.db") as store:
        store.add_sensors(Sensor(id=i, name=i) for i in {r.sensor for r in readings})
        first, second = readings[:cut], readings[cut:]
        store.add_readings(first)
        again = store.add_readings(readings)
        assert again == (len(second), len(first), 0)
        assert store.add_readings(reversed(readings)) == (0, len(readings), 0)
        names = {r.sensor for r in readings}
        assert set(store.readings(names, *ALWAYS)) == set(readings)


def test_value_stored_first_stays(store: Store) -> None:
    assert store.add_readings([make_reading()]) == AddedReadings(1, 0, 0)
    others = [make_reading(value=0.3), make_reading(value=None), make_reading()]
    assert store.add_readings(others) == AddedReadings(0, 1, 2)
    assert store.readings(["s1"], *ALWAYS) == [make_reading()]


def test_first_of_one_file_stays(store: Store) -> None:
    batch = [make_reading(), make_reading(value=0.3), make_reading()]
    assert store.add_readings(batch) == AddedReadings(1, 1, 1)
    assert store.readings(["s1"], *ALWAYS) == [make_reading()]


def test_many_known_readings_are_found_by_their_span(store: Store) -> None:
    readings = [make_reading(time=NOON + timedelta(hours=h)) for h in range(1000)]
    store.add_readings(readings[::2])
    assert store.add_readings(readings) == AddedReadings(500, 500, 0)


def test_same_instant_in_another_zone_is_the_same_reading(store: Store) -> None:
    store.add_readings([make_reading()])
    local = NOON.astimezone(timezone(timedelta(hours=8)))
    assert store.add_readings([make_reading(time=local)]) == (0, 1, 0)


def test_window_is_half_open_and_needs_zones(store: Store) -> None:
    hours = [make_reading(time=NOON + timedelta(hours=h)) for h in range(4)]
    store.add_readings(reversed(hours))
    window = NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    assert store.readings(["s1"], *window) == hours[1:3]
    assert store.readings(["s2"], *window) == []
    assert store.readings(["s1"], *window, variables={Variable.BATTERY}) == []
    with pytest.raises(ConfigurationError, match="has no time zone"):
        store.readings(["s1"], NOON.replace(tzinfo=None), NOON)


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (make_reading(sensor="nobody"), "nobody: has readings but is not a known"),
        (make_reading(value=float("nan")), "soil_moisture is nan at 2020-06-01"),
        (make_reading(value=float("inf")), "soil_moisture is inf at 2020-06-01"),
    ],
)
def test_bad_reading_adds_nothing(store: Store, reading: Reading, message: str) -> None:
    with pytest.raises(DataError, match=message):
        store.add_readings([make_reading(), reading])
    assert store.readings(["s1"], *ALWAYS) == []


def test_flags_are_set_without_touching_values(store: Store) -> None:
    one, two = make_reading(), make_reading(time=NOON + timedelta(hours=1))
    store.add_readings([one, two])
    flagged = [one.patch(quality=Quality.SPIKE, value=9.0), two]
    assert store.update_quality(flagged) == 1
    assert store.update_quality(flagged) == 0
    assert store.update_quality([]) == 0
    expected = [one.patch(quality=Quality.SPIKE), two]
    assert store.readings(["s1"], *ALWAYS) == expected


def test_sensor_descriptions_only_grow(store: Store) -> None:
    assert store.add_sensors([Sensor(id="s1", name="s1", latitude=22.5)]) == 0
    assert store.add_sensors([Sensor(id="s0", name="new")]) == 1
    assert store.sensors() == [
        Sensor(id="s0", name="new"),
        Sensor(id="s1", name="甘蔗地 3", longitude=108.0, latitude=22.5),
    ]
    store.add_sensors([Sensor(id="s1", name="cane", longitude=109.0)])
    assert store.sensors()[1].name == "cane"
    assert store.sensors()[1].longitude == 109.0

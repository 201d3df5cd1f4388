"""Simulated probes: files the sensor room reads, with the faults that were planted."""

from datetime import date, timedelta

import pytest

from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors.file import read_file
from agroforest.testing.landscape import build_landscape
from agroforest.testing.score import PlantedFault, score_drought
from agroforest.testing.sensors import lse01_payload, write_sensors
from agroforest.testing.soil import FIELD_CAPACITY

END = date(2024, 12, 31)


@pytest.fixture(scope="module")
def probes(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[list[Sensor], list[Reading], tuple[PlantedFault, ...]]:
    landscape = build_landscape(size=64, start=date(2024, 1, 1), end=END)
    folder = tmp_path_factory.mktemp("sensors")
    inputs, faults = write_sensors(landscape, folder, end=END)
    sensors: list[Sensor] = []
    readings: list[Reading] = []
    for given in inputs:
        file = read_file(given.file, mapping=given.mapping)
        assert not file.refused
        assert {s.id for s in file.sensors} == {given.sensor}
        sensors += file.sensors
        readings += file.readings
    return sensors, readings, faults


Probes = tuple[list[Sensor], list[Reading], tuple[PlantedFault, ...]]


def test_payload_is_the_example_of_the_manual() -> None:
    payload = lse01_payload(
        battery_v=3.28, moisture=0.0831, temperature=18.12, conductivity=6300
    )
    assert payload == bytes.fromhex("0CD00000033F0714189C01")


def test_every_probe_says_that_it_is_simulated_and_where_it_is(probes: Probes) -> None:
    sensors, _, _ = probes
    assert len(sensors) == 5
    for sensor in sensors:
        assert sensor.simulated
        assert sensor.longitude == pytest.approx(108.425, abs=0.02)
        assert sensor.latitude == pytest.approx(22.965, abs=0.02)


def test_readings_end_with_the_last_utc_day(probes: Probes) -> None:
    _, readings, _ = probes
    days = {r.time.date() for r in readings}
    assert max(days) == END
    assert min(days) == END - timedelta(119)


def test_every_fault_is_in_the_files(probes: Probes) -> None:
    _, readings, faults = probes
    by_key = {(r.sensor, r.variable, r.depth_m, r.time): r for r in readings}
    kinds = {f.flag for f in faults}
    assert kinds == {
        Quality.RANGE,
        Quality.SPIKE,
        Quality.FLAT,
        Quality.GAP,
        Quality.MISSING,
    }
    for fault in faults:
        found = [by_key[*fault.series(), time] for time in fault.times]
        values = [r.value for r in found]
        if fault.flag == Quality.MISSING:
            assert values == [None] * len(values)
        elif fault.flag == Quality.FLAT:
            assert len(set(values)) == 1
            assert len(values) == 80
        elif fault.flag == Quality.RANGE:
            assert all(v is not None and not 0 <= v <= 0.6 for v in values)
        elif fault.flag == Quality.GAP:
            before = max(
                r.time
                for r in readings
                if (r.sensor, r.variable, r.depth_m) == fault.series()
                and r.time < fault.first
            )
            assert fault.first - before == timedelta(days=6, hours=3)


def test_soil_dries_through_the_drought_and_not_before(probes: Probes) -> None:
    _, readings, _ = probes
    landscape = build_landscape(size=64, start=date(2024, 1, 1), end=END)
    good = [r for r in readings if r.sensor == "sim:cane-1"]
    score = score_drought(landscape.drought, good, field_capacity=FIELD_CAPACITY)
    assert score.soil_first is not None
    assert landscape.drought.start + timedelta(14) < score.soil_first
    assert landscape.drought.end is not None
    assert score.soil_first < landscape.drought.end
    assert score.soil_lowest is not None
    assert 0.35 < score.soil_lowest < 0.55


def test_deep_soil_moves_less_than_shallow(probes: Probes) -> None:
    _, readings, _ = probes
    spans = []
    for depth in (0.1, 0.3):
        values = [
            r.value
            for r in readings
            if r.sensor == "sim:cane-1"
            and r.variable == Variable.SOIL_MOISTURE
            and r.depth_m == depth
            and r.value is not None
        ]
        spans.append(max(values) - min(values))
    assert spans[0] > spans[1]

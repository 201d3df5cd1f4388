"""Field capacity that probes learn, in the nights' balance and advice."""

from datetime import timedelta

import numpy as np
import pytest
from tests.nightly.water.made import CANE, NIGHT, Farm, build_farm, parcel
from tests.nightly.water.test_probes_of_a_night import moist

DAY = timedelta(days=1)
#: It reads so much too wet, m3/m3; the soil's tables say 0.297.
OFF = 0.06
#: What it reads when the soil has drained.
REST = 0.297 + OFF
TEXTURE = {"sand": 0.4, "clay": 0.25}


def soaking(rest: float = REST) -> list[float]:
    """Ten days: dry, soaked on the second day, drained within hours."""
    since = 2.0 * np.arange(120) - 36.0
    drained = rest + (REST + 0.1 - rest) * np.exp(-np.maximum(since, 0.0) / 5.0)
    values = np.where(since < 0, rest - 0.1, drained)
    values += np.random.default_rng(7).normal(0.0, 0.0005, len(values))
    return [round(float(v), 4) for v in values]


def wet_probe(farm: Farm, name: str = "farm:1", soakings: int = 4) -> None:
    """A probe of uncalibrated numbers: soaked in spring, then drying for 60 days."""
    values = soaking() * soakings + [v + OFF for v in moist(60)]
    for depth in (0.2, 0.5, 0.9):
        farm.probe(name, values, last=NIGHT, depth=depth, title="岗上")


def test_a_probe_is_measured_against_what_it_learned(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wet_probe(farm)
    one = farm.parcel(NIGHT)
    (sensor,) = one["sensors"]
    assert [level["depth_m"] for level in sensor["field_capacity"]] == [0.2, 0.5, 0.9]
    for level in sensor["field_capacity"]:
        assert level["m3_m3"] == pytest.approx(REST, abs=0.003)
        assert level["low"] <= level["m3_m3"] <= level["high"]
        assert level["soakings"] == 4
    assert "依据 岗上（雨后排水得知的田间持水量 0.36 ± 0.02 (0.2 m)" in one["zh"]
    assert "field capacity learned after rain 0.36 ± 0.02 (0.2 m)" in one["en"]
    # A probe that is not off and learned nothing says how dry it is at the end; so
    # does this one, with twice the weight.
    plain = build_farm(tmp_path_factory.mktemp("plain"))
    wet_probe(plain, soakings=2)
    misled = plain.parcel(NIGHT)
    assert misled["sensors"][0]["field_capacity"] == []
    assert "field capacity" not in misled["en"]
    # Short of its own: 0.297 - 0.23; short of the tables': 0.06 less, down to 1.2 m.
    assert one["depletion_mm"] > misled["depletion_mm"] + 30


def test_a_measured_field_capacity_comes_first(farm: Farm) -> None:
    measured = {"field_capacity": 0.297, "wilting_point": 0.162}
    farm.plant(parcel(1, **CANE | measured))
    wet_probe(farm)
    one = farm.parcel(NIGHT)
    assert one["sensors"][0]["field_capacity"] == []
    assert "field capacity" not in one["en"]


def test_what_is_learned_counts_from_the_month_after(farm: Farm) -> None:
    # Soaked in the first days of May and of June; three soakings teach something.
    values = soaking() * 3 + [v + OFF for v in moist(33)]
    farm.probe("farm:1", values, last=NIGHT - 9 * DAY, depth=0.3)  # until 1 June
    may = farm.parcel(NIGHT - 11 * DAY)  # 30 May; the third soaking was in April
    assert may["sensors"][0]["field_capacity"] != []
    other = soaking() * 3 + [v + OFF for v in moist(20)]
    farm.probe("farm:2", other, last=NIGHT - 9 * DAY, depth=0.3)  # until 1 June
    (_, late) = farm.parcel(NIGHT - 10 * DAY)["sensors"]  # 31 May
    assert late["field_capacity"] == []  # the third one was in May
    (_, late) = farm.parcel(NIGHT - 9 * DAY)["sensors"]  # 1 June
    assert late["field_capacity"] != []


def test_what_a_month_learns_changes_no_day_before_it(farm: Farm) -> None:
    values = soaking() * 3 + [v + OFF for v in moist(20)]
    farm.probe("farm:1", values, last=NIGHT, depth=0.3)
    before = farm.parcel(NIGHT - 10 * DAY)  # 31 May
    after = farm.parcel(NIGHT - 8 * DAY)  # 2 June
    assert before["sensors"][0]["field_capacity"] == []
    assert after["sensors"][0]["field_capacity"] != []
    known = {day["day"]: day for day in after["days"]}
    for day in before["days"]:
        if not day["forecast"] and day["day"] in known:
            assert known[day["day"]] == day


def test_it_is_left_alone_where_nothing_is_assimilated(farm: Farm) -> None:
    wet_probe(farm)
    farm.set(assimilate=False)
    assert farm.parcel(NIGHT)["sensors"][0]["field_capacity"] == []

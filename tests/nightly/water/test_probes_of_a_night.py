"""What a night takes from probes, and what it leaves."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.nightly.water.made import (
    CANE,
    NIGHT,
    Farm,
    build_farm,
    drying,
    parcel,
)

DAY = timedelta(days=1)
# Sand 0.40, clay 0.25: field capacity 0.297, wilting point 0.162 (Saxton & Rawls).
MOIST = 0.25


def moist(days: int = 40, *, seed: int = 5) -> list[float]:
    """Soil near field capacity that dries slowly; drier fields would not say so."""
    return drying(days, start=MOIST + 0.01, a_day=0.0005, seed=seed)


def without_probe(farm: Farm, factory: pytest.TempPathFactory) -> dict[str, Any]:
    other = build_farm(factory.mktemp("without"))
    other.plant(json.loads((farm.folder / "area.geojson").read_text())["features"][0])
    other.weather((farm.folder / "weather.csv").read_text().splitlines()[1:])
    return other.parcel(NIGHT)


def test_a_trusted_probe_draws_the_balance_and_is_named(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = without_probe(farm, tmp_path_factory)
    for depth in (0.2, 0.5, 0.9):
        farm.probe("farm:1", moist(), last=NIGHT, depth=depth)
    one = farm.parcel(NIGHT)
    assert one["readings"] == ["farm:1"]
    assert one["depletion_mm"] < plain["depletion_mm"] - 10
    (sensor,) = one["sensors"]
    assert sensor["used"]
    assert sensor["trust"] == 1.0
    (last,) = [day for day in one["days"] if day["day"] == str(NIGHT)]
    assert last["drawn_to"] == ["farm:1"]
    # Towards what the probe says, 0.24 m3/m3 down to 1.2 m, and not all the way:
    # three levels in one spot of ten hectares are not the field.
    said = 1200 * (0.297 - 0.24)
    assert said + 20 < one["depletion_mm"] < plain["depletion_mm"] - 20


def test_a_probe_of_unknown_depth_is_not_used_and_says_so(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = without_probe(farm, tmp_path_factory)
    farm.probe("farm:1", moist(), last=NIGHT, depth=None)
    one = farm.parcel(NIGHT)
    (sensor,) = one["sensors"]
    assert not sensor["used"]
    assert "埋深未知" in sensor["zh"]
    assert "depth unknown" in sensor["en"]
    assert one["readings"] == []
    assert one["depletion_mm"] == plain["depletion_mm"]


def test_assimilation_can_be_turned_off(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = without_probe(farm, tmp_path_factory)
    farm.probe("farm:1", moist(), last=NIGHT)
    farm.set(assimilate=False)
    one = farm.parcel(NIGHT)
    assert one["depletion_mm"] == plain["depletion_mm"]
    assert one["readings"] == []
    assert one["sensors"][0]["trust"] == 1.0


def stuck(good: int = 26, bad: int = 14) -> list[float]:
    values = moist(good)
    return [*values, *[0.2345] * (bad * 12)]


def wild() -> list[float]:
    values = moist()
    return [v if n % 2 else 1.79 for n, v in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "words"),
    [(stuck(), "doubtful"), (wild(), "doubtful")],
    ids=["stuck", "out-of-range"],
)
def test_nothing_is_taken_from_a_probe_that_nobody_trusts(
    farm: Farm,
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    words: str,
) -> None:
    plain = without_probe(farm, tmp_path_factory)
    farm.probe("farm:1", values, last=NIGHT)
    one = farm.parcel(NIGHT)
    # The balance is that of weather alone, to the last digit, and this is said.
    assert one["depletion_mm"] == plain["depletion_mm"]
    assert one["amount_mm"] == plain["amount_mm"]
    assert one["readings"] == []
    (sensor,) = one["sensors"]
    assert not sensor["used"]
    assert words in sensor["en"]
    assert "farm:1 not trusted, not used" in one["en"]
    assert "farm:1 不可信，未采用" in one["zh"]


def test_what_turns_out_to_be_stuck_is_taken_out_again(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The first days of a flat line look good; later nights know better."""
    plain = without_probe(farm, tmp_path_factory)
    whole = stuck()
    farm.probe("farm:1", whole[: -12 * 12], last=NIGHT - 12 * DAY)
    early = farm.parcel(NIGHT - 12 * DAY)
    assert early["readings"] == ["farm:1"]
    farm.probe("farm:1", whole, last=NIGHT)
    one = farm.parcel(NIGHT)
    assert one["readings"] == []
    assert one["depletion_mm"] == plain["depletion_mm"]


def test_a_probe_that_fell_silent_is_said_and_what_it_told_stays(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = without_probe(farm, tmp_path_factory)
    for depth in (0.2, 0.5, 0.9):
        farm.probe("farm:1", moist(), last=NIGHT - 4 * DAY, depth=depth)
    one = farm.parcel(NIGHT)
    assert "silent" in one["sensors"][0]["en"]
    assert not one["sensors"][0]["used"]
    assert one["depletion_mm"] < plain["depletion_mm"]
    assert one["readings"] == ["farm:1"]  # drawn to it until it fell silent


def test_neighbours_contradict_a_probe(farm: Farm) -> None:
    farm.plant(parcel(1, **CANE), parcel(2, **CANE), parcel(3, **CANE))
    waves = [0.22 + 0.02 * ((n // 36) % 2) + v - MOIST for n, v in enumerate(moist())]
    against = [0.46 - v for v in waves]
    farm.probe("farm:1", against, last=NIGHT, number=1)
    farm.probe("farm:2", waves, last=NIGHT, number=2)
    farm.probe("farm:3", [v + 0.01 for v in waves], last=NIGHT, number=3)
    one = farm.parcel(NIGHT, 1)
    assert "disagrees with 2 neighbouring probes" in one["sensors"][0]["en"]
    assert not one["sensors"][0]["used"]
    assert one["readings"] == []


def test_a_probe_far_from_the_balance_is_not_followed(farm: Farm) -> None:
    watered = [f"p1,{NIGHT - n * DAY},25" for n in range(0, 60, 2)]
    farm.irrigate(*watered)  # the roots are full, and known to be
    dry = drying(40, start=0.02, a_day=0.0001)
    for depth in (0.1, 0.3, 0.6, 1.0):
        farm.probe("farm:1", dry, last=NIGHT, depth=depth)
    one = farm.parcel(NIGHT)
    assert one["readings"] == []
    assert any("too far off" in reason["en"] for reason in one["reasons"])


def test_readings_that_come_late_are_taken_up(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = build_farm(tmp_path_factory.mktemp("other"))
    farm.probe("farm:1", moist()[: -3 * 12], last=NIGHT - 3 * DAY)
    farm.run(NIGHT - 4 * DAY, NIGHT - DAY)
    farm.probe("farm:1", moist(), last=NIGHT)
    other.probe("farm:1", moist(), last=NIGHT)
    other.run(NIGHT - 4 * DAY, NIGHT - DAY)
    late, known = farm.parcel(NIGHT), other.parcel(NIGHT)
    assert late["days"] == known["days"]


def test_a_calibration_holds(farm: Farm) -> None:
    raw = [v - 0.10 for v in moist()]  # reads a tenth too dry
    farm.probe("farm:1", raw, last=NIGHT)
    dry = farm.parcel(NIGHT)
    curves = (
        '[[calibration]]\nsensor = "farm:1"\nfrom = 2024-01-01T00:00:00Z\n'
        'kind = "linear"\nfactor = 1.0\noffset = 0.10\n'
    )
    (farm.folder / "curves.toml").write_text(curves, encoding="utf-8")
    farm.set(calibrations="curves.toml")
    mended = farm.parcel(NIGHT)
    assert mended["depletion_mm"] < dry["depletion_mm"] - 2


def test_a_parcel_names_its_probes(farm: Farm) -> None:
    farm.plant(parcel(1, **CANE | {"sensors": ["farm:9"]}))
    farm.probe("farm:1", moist(), last=NIGHT)  # stands on it, but is another's
    one = farm.parcel(NIGHT)
    assert [s["id"] for s in one["sensors"]] == ["farm:9"]
    assert one["sensors"][0]["trust"] is None
    assert "reports no soil moisture" in one["sensors"][0]["en"]
    assert one["readings"] == []

"""Advice: when, how much, and when not."""

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.water.places import COTTON, LOAM

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.risk import epoch_day
from agroforest.water import FieldDay, RootZone
from agroforest.water.advice import Advice, Confidence, Verdict
from agroforest.water.advise import advise
from agroforest.water.drought import Drought
from agroforest.water.notices import TemperatureDay, find_notices
from agroforest.water.plot import Evidence, Plot, find_amount
from agroforest.water.season import run_season

EVENING = date(2026, 4, 6)  # a Monday
GROWN = COTTON.patch(kcb_ini=1.0, kcb_mid=1.0, kcb_end=1.0, root_ini=0.9, kc_min=0.15)
#: 0.9 m of loam hold 126 mm.
PLOT = Plot(
    zh="3 号地",
    en="Field 3",
    crop_zh="甘蔗",
    crop_en="sugarcane",
    hectares=2.0,
    flow=50.0,
    efficiency=0.75,
)


def zone(depletion: float, spread: float = 2.0) -> RootZone:
    start = RootZone.start((), day=epoch_day(EVENING), crop=GROWN, soil=LOAM)
    return start.patch(
        depletion=np.array(depletion), variance=np.array(spread**2), age=np.array(3)
    )


def forecast(*rain: float, eto: float = 5.0) -> list[FieldDay]:
    return [
        FieldDay(day=epoch_day(EVENING) + 1 + index, eto=eto, rain=one)
        for index, one in enumerate(rain)
    ]


def ask(depletion: float, *rain: float, spread: float = 2.0, **more: Any) -> Advice:
    return advise(
        zone(depletion, spread),
        forecast(*rain),
        crop=GROWN,
        soil=LOAM,
        **({"plot": PLOT} | more),
    )


def test_it_says_how_much_until_when() -> None:
    found = ask(70.0, 0, 0, 0, 0, 0, evidence=[Evidence(id="lse01:7")])
    days = run_season(zone(70.0), forecast(0, 0, 0, 0, 0), crop=GROWN, soil=LOAM)
    over = [float(d.zone.depletion - d.out.readily) for d in days]
    first = next(index for index, short in enumerate(over) if short > 0)
    assert found.verdict is Verdict.IRRIGATE
    assert found.latest == EVENING + timedelta(days=first + 1)
    assert found.short_mm == pytest.approx(max(over))
    assert not found.overdue
    assert found.amount is not None
    net = float(days[first].zone.depletion)
    assert found.amount.net_mm == pytest.approx(net)
    assert found.amount.gross_mm == pytest.approx(net / 0.75)
    assert found.amount.m3 == pytest.approx(net / 0.75 * 10 * 2)
    assert found.amount.m3_per_mu == pytest.approx(found.amount.m3 / 30)
    assert found.amount.minutes == pytest.approx(found.amount.m3 / 50 * 60)
    assert found.readings == ("lse01:7",)


def test_its_sentences_name_field_crop_day_and_water() -> None:
    found = ask(70.0, 0, 0, 0, 0, 0, evidence=[Evidence(id="lse01:7")])
    assert found.amount is not None
    assert found.zh.startswith("3 号地 甘蔗：到周六（4 月 11 日）缺水 ")
    assert f"每亩 {found.amount.m3_per_mu:.0f} m³" in found.zh
    assert "开阀" in found.zh
    assert "依据 lse01:7" in found.zh
    assert found.en.startswith("Field 3, sugarcane: ")
    assert "short by Saturday 11 April, irrigate by " in found.en
    assert "Confidence high" in found.en


def test_enough_rain_means_no_irrigation() -> None:
    found = ask(70.0, 0, 45, 0, 0, 0)
    assert found.verdict is Verdict.RAIN_COMES
    assert found.amount is None
    assert found.confidence is not Confidence.HIGH
    assert "预报降水 45 mm，足够，不必灌溉" in found.zh


def test_enough_water_means_no_irrigation() -> None:
    found = ask(10.0, 0, 0, 0)
    assert found.verdict is Verdict.ENOUGH
    assert found.amount is None
    assert found.confidence is Confidence.HIGH
    assert "水分充足，不必灌溉" in found.zh


def test_a_shortage_of_a_day_waits_for_the_rain_after_it() -> None:
    dry = ask(73.0, 0, 0, 0, 0)
    assert dry.verdict is Verdict.IRRIGATE
    assert dry.latest is not None
    index = (dry.latest - EVENING).days - 1
    rain = [0.0] * 4
    rain[index + 1] = 40.0
    assert ask(73.0, *rain).verdict is Verdict.RAIN_COMES


def test_too_little_rain_leaves_room_for_it() -> None:
    dry = ask(75.0, 0, 0, 0, 0, 0, 0)
    assert dry.latest is not None
    index = (dry.latest - EVENING).days - 1
    rain = [0.0] * 6
    rain[index + 2] = 12.0
    wet = ask(75.0, *rain)
    assert wet.verdict is Verdict.IRRIGATE
    assert wet.amount is not None
    assert dry.amount is not None
    assert wet.amount.net_mm == pytest.approx(dry.amount.net_mm - 12.0)


def test_what_is_short_already_is_overdue() -> None:
    found = ask(102.0, 0, 0, 0)
    assert found.overdue
    assert found.latest == EVENING + timedelta(days=1)
    assert "已过时限，最迟周二（4 月 7 日）灌水" in found.zh
    assert "overdue, irrigate by Tuesday 7 April" in found.en
    assert found.drought is Drought.LIGHT


def test_a_shortage_that_rain_ends_tomorrow_is_not_overdue() -> None:
    found = ask(84.0, 15, 0, 0, 0, 0, 0)
    assert found.verdict is Verdict.IRRIGATE
    assert found.latest is not None
    assert found.latest > EVENING + timedelta(days=1)
    assert not found.overdue
    assert "已过时限" not in found.zh


@settings(max_examples=25)
@given(
    depletion=st.floats(0.0, 120.0),
    rain=st.lists(st.sampled_from([0.0, 0.0, 5.0, 40.0]), min_size=5, max_size=5),
)
def test_the_sentence_names_the_latest_day(depletion: float, rain: list[float]) -> None:
    found = ask(depletion, *rain)
    if found.latest is None:
        return
    day = found.latest
    assert f"{day.month} 月 {day.day} 日）灌水" in found.zh
    assert f"irrigate by {day:%A} {day.day} {day:%B}" in found.en
    assert not found.overdue or day == found.day + timedelta(days=1)


def test_a_valve_that_gives_less_at_a_time() -> None:
    found = ask(75.0, 0, 0, 0, 0, plot=Plot(**plain() | {"most_mm": 30.0}))
    assert found.amount is not None
    assert found.amount.gross_mm == 30.0
    assert found.amount.net_mm == pytest.approx(22.5)
    assert found.amount.part
    assert "需再灌" in found.zh


def plain() -> dict[str, Any]:
    return {name: getattr(PLOT, name) for name in Plot.__dataclass_fields__}


def test_it_is_plain_for_others() -> None:
    cold = TemperatureDay(day=EVENING, air_low=-1.0)
    notices = find_notices([cold], cold=0.0, heat=35.0)
    found = ask(102.0, 0, 0, evidence=[Evidence(id="lse01:7")], notices=notices)
    again = json.loads(json.dumps(found.plain(), ensure_ascii=False))
    assert again["verdict"] == "irrigate"
    assert again["latest"] == "2026-04-07"
    assert again["drought"] == "light"
    assert again["confidence"] == "high"
    assert found.amount is not None
    assert again["amount"]["m3"] == pytest.approx(found.amount.m3)
    assert again["plot"]["crop_zh"] == "甘蔗"
    assert again["notices"][0]["hazard"] == "cold"
    assert {"zh", "en"} == set(again["reasons"][0])
    assert again["zh"] == found.zh


def test_without_a_flow_there_are_no_minutes() -> None:
    amount = find_amount(30.0, Plot(**plain() | {"flow": None}))
    assert amount.minutes is None


def test_nothing_is_advised_from_a_reading_that_is_not_trusted() -> None:
    cold = TemperatureDay(day=EVENING, air_low=-1.0)
    found = ask(
        110.0,
        0,
        0,
        evidence=[
            Evidence(id="good:1"),
            Evidence(id="bad:2", trusted=False, reason="179 %"),
        ],
        notices=find_notices([cold], cold=0.0, heat=35.0),
    )
    assert found.verdict is Verdict.WITHHELD
    assert found.amount is None
    assert found.depletion_mm is None
    assert found.confidence is None
    assert found.readings == ("good:1", "bad:2")
    assert found.zh == "3 号地 甘蔗：不作灌溉建议，读数不可信：bad:2（179 %）。"
    assert len(found.notices) == 1


def test_an_unsure_balance_is_not_called_sure() -> None:
    sure = ask(78.0, 0, 0, spread=1.0)
    unsure = ask(78.0, 0, 0, spread=60.0)
    assert sure.verdict is unsure.verdict is Verdict.IRRIGATE
    assert sure.confidence is Confidence.HIGH
    assert unsure.confidence is Confidence.LOW
    assert "无实测" in unsure.zh


def test_what_follows_a_day_without_weather_is_left_out() -> None:
    found = ask(70.0, 0, np.nan, 0, 0, 0)
    assert found.until == EVENING + timedelta(days=1)


def test_a_forecast_is_needed() -> None:
    with pytest.raises(DataError, match="has no weather for 2026-04-07"):
        ask(70.0)
    with pytest.raises(DataError, match="has no weather"):
        ask(70.0, np.nan)


@pytest.mark.parametrize(
    "changes",
    [
        {"hectares": 0},
        {"flow": 0},
        {"efficiency": 0},
        {"efficiency": 2},
        {"most_mm": 0},
    ],
)
def test_a_plot_that_cannot_be_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="Field 3"):
        Plot(**plain() | changes)


@settings(max_examples=25)
@given(
    depletion=st.floats(0.0, 120.0),
    rain=st.lists(st.sampled_from([0.0, 0.0, 5.0, 40.0]), min_size=5, max_size=5),
)
def test_the_water_advised_ends_the_shortage(
    depletion: float, rain: list[float]
) -> None:
    found = ask(depletion, *rain)
    if found.amount is None:
        return
    assert found.latest is not None
    days = [
        FieldDay(
            day=one.day,
            eto=one.eto,
            rain=one.rain,
            irrigation=found.amount.gross_mm * (one.day == epoch_day(found.latest)),
            efficiency=PLOT.efficiency,
            wetted=1.0,
        )
        for one in forecast(*rain)
    ]
    done = run_season(zone(depletion), days, crop=GROWN, soil=LOAM)
    watered = next(d for d in done if d.today.day == epoch_day(found.latest))
    assert watered.zone.depletion <= watered.out.readily

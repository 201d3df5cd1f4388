"""Every rule speaks against opening, and only where it should."""

from datetime import timedelta

import pytest
from tests.valves.farm import START, Farm, make_limits, make_order, make_valve

from agroforest.core.valve import Order, Stage, ValveFacts, ValveReport, ValveState
from agroforest.valves.interlock import (
    Objection,
    Rule,
    count_water,
    find_fresh_report,
    find_objections,
)
from agroforest.valves.limits import Limits, WeatherLimits
from agroforest.valves.surroundings import SensorWord, Surroundings, WeatherWord

_WEATHER = WeatherLimits(rain_forecast_mm=5.0, rain_measured_mm=10.0, wind_ms=8.0)


def approved(**changes: object) -> Order:
    order = make_order().patch(stage=Stage.APPROVED, approved=START, approved_by="韦工")
    return order.patch(**changes)


def past(name: str, m3: float, *, valve: str = "b", hours: float = -2.0) -> Order:
    """Make an order that is over, and gave so much."""
    sent = START + timedelta(hours=hours)
    return make_order(name, valve).patch(
        stage=Stage.VERIFIED,
        sent=sent,
        deadline=sent + timedelta(minutes=11),
        closed=sent + timedelta(minutes=10),
        settled=True,
        m3=m3,
    )


def facts(*orders: Order, state: ValveState | None = None) -> ValveFacts:
    valves = {} if state is None else {state.valve: state}
    return ValveFacts(orders={o.id: o for o in orders}, valves=valves)


def objections(
    order: Order,
    known: ValveFacts | None = None,
    limits: Limits | None = None,
    around: Surroundings | None = None,
) -> tuple[Objection, ...]:
    return find_objections(
        order,
        known or facts(),
        START,
        limits or make_limits(),
        around or Surroundings(),
    )


def rules(*arguments: object, **named: object) -> list[Rule]:
    return [o.rule for o in objections(*arguments, **named)]  # type: ignore[arg-type]


def weather(**values: float) -> Surroundings:
    return Surroundings(weather=WeatherWord(time=START, **values))


def report(**changes: object) -> ValveState:
    given: dict[str, object] = {
        "valve": "a",
        "time": START,
        "received": START,
        "open": False,
        "flow_m3h": 0.0,
        "meter_m3": 1.0,
    }
    said = ValveReport(**(given | changes))  # type: ignore[arg-type]
    return ValveState(valve="a", report=said, skew_s=0.0)


def test_nothing_speaks_against_an_approved_order() -> None:
    assert rules(approved()) == []


def test_a_valve_must_be_in_the_settings() -> None:
    assert rules(approved(valve="x")) == [Rule.UNKNOWN]


def test_a_device_must_close_by_itself() -> None:
    limits = make_limits({"a": make_valve(has_timer=False)})
    assert rules(approved(), limits=limits) == [Rule.TIMER]


@pytest.mark.parametrize(("seconds", "found"), [(3000, []), (3001, [Rule.LONGEST])])
def test_the_longest_opening(seconds: int, found: list[Rule]) -> None:
    limits = make_limits({"a": make_valve(longest_s=3000, day_m3=99.0)})
    assert rules(approved(seconds=seconds), limits=limits) == found


def test_a_person_must_have_approved_lately() -> None:
    assert rules(make_order()) == [Rule.APPROVAL]
    assert rules(approved(approved_by=" ")) == [Rule.APPROVAL]
    old = START - timedelta(seconds=1801)
    assert rules(approved(approved=old)) == [Rule.APPROVAL]


@pytest.mark.parametrize(("given", "found"), [(8.0, []), (8.01, [Rule.DAY])])
def test_the_most_a_day_through_a_valve(given: float, found: list[Rule]) -> None:
    assert rules(approved(), facts(past("p", given, valve="a"))) == found


@pytest.mark.parametrize(("given", "found"), [(6.5, []), (6.51, [Rule.DAY_ALL])])
def test_the_most_a_day_through_all(given: float, found: list[Rule]) -> None:
    known = facts(past("p", given), past("q", 6.5))
    assert rules(approved(), known) == found


def test_yesterday_does_not_count() -> None:
    known = facts(past("p", 10.0, valve="a", hours=-10))
    # 06:00 of the same day in China, and 22:00 of the day before in UTC.
    assert rules(approved(), known) == [Rule.DAY]
    assert rules(approved(), known, make_limits(utc_offset_hours=0.0)) == []


def test_an_order_over_midnight_counts_on_both_days() -> None:
    farm = Farm(now=START + timedelta(hours=7, minutes=55))
    farm.open()
    days = [farm.limits.day(farm.now + timedelta(days=i)) for i in range(3)]
    counted = [count_water(farm.facts, d, farm.now, farm.limits) for d in days]
    assert counted == pytest.approx([2.0, 2.0, 0.0])


def test_an_order_over_midnight_needs_room_on_both_days() -> None:
    now = START + timedelta(hours=7, minutes=55)
    tomorrow = ValveState(
        valve="a", stray=((make_limits().day(now + timedelta(days=1)).isoformat(), 9),)
    )
    order = approved(approved=now)
    found = find_objections(
        order, facts(state=tomorrow), now, make_limits(), Surroundings()
    )
    assert [o.rule for o in found] == [Rule.DAY]
    assert "2025-06-02" in found[0].en


def test_water_without_an_order_counts() -> None:
    day = make_limits().day(START).isoformat()
    state = ValveState(valve="a", stray=((day, 8.5),))
    assert rules(approved(), facts(state=state)) == [Rule.DAY]


@pytest.mark.parametrize("stage", [Stage.OPENING, Stage.OPEN, Stage.CLOSING])
def test_one_valve_one_order(stage: Stage) -> None:
    other = past("p", 2.0, valve="a").patch(stage=stage, closed=None, settled=False)
    assert rules(approved(), facts(other)) == [Rule.BUSY]
    assert rules(approved(), facts(other.patch(valve="b"))) == []


def test_the_shortest_pause() -> None:
    assert rules(approved(), facts(past("p", 1.0, valve="a", hours=-0.3))) == [
        Rule.PAUSE
    ]
    assert rules(approved(), facts(past("p", 1.0, valve="a", hours=-0.34))) == []


@pytest.mark.parametrize(
    ("around", "found"),
    [
        ({"rain_forecast_mm": 4.9, "rain_measured_mm": 0.0, "wind_ms": 7.9}, []),
        (
            {"rain_forecast_mm": 5.0, "rain_measured_mm": 0.0, "wind_ms": 1.0},
            [Rule.RAIN],
        ),
        (
            {"rain_forecast_mm": 0.0, "rain_measured_mm": 10.0, "wind_ms": 1.0},
            [Rule.RAIN],
        ),
        (
            {"rain_forecast_mm": 0.0, "rain_measured_mm": 0.0, "wind_ms": 8.0},
            [Rule.WIND],
        ),
        ({"rain_forecast_mm": 0.0, "wind_ms": 1.0}, [Rule.WEATHER]),
    ],
)
def test_rain_and_wind(around: dict[str, float], found: list[Rule]) -> None:
    limits = make_limits(weather=_WEATHER)
    assert rules(approved(), limits=limits, around=weather(**around)) == found


def test_weather_that_counts_must_be_known_and_fresh() -> None:
    limits = make_limits(weather=_WEATHER)
    assert rules(approved(), limits=limits) == [Rule.WEATHER] * 3
    old = WeatherWord(
        time=START - timedelta(hours=7),
        rain_forecast_mm=0.0,
        rain_measured_mm=0.0,
        wind_ms=0.0,
    )
    around = Surroundings(weather=old)
    assert rules(approved(), limits=limits, around=around) == [Rule.WEATHER] * 3
    assert rules(approved(), around=around) == []


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (SensorWord(time=START), []),
        (SensorWord(time=START, trusted=False, reason="frozen"), [Rule.SENSOR]),
        (SensorWord(time=START - timedelta(hours=6.1)), [Rule.SENSOR]),
        (SensorWord(time=None), [Rule.SENSOR]),
    ],
)
def test_the_sensor_behind_the_advice(word: SensorWord, found: list[Rule]) -> None:
    order = approved(sensors=("p",))
    assert rules(order, around=Surroundings(sensors={"p": word})) == found
    assert rules(order) == [Rule.SENSOR]
    assert rules(approved(), around=Surroundings(sensors={"p": word})) == []


def test_what_its_device_says() -> None:
    assert rules(approved(), facts(state=report())) == []
    assert rules(approved(), facts(state=report(flow_m3h=0.06))) == [Rule.LEAK]
    assert rules(approved(), facts(state=report(open=True))) == [Rule.OPEN]
    to_close = report().patch(closing_from=START)
    assert rules(approved(), facts(state=to_close)) == [Rule.OPEN]
    for skew, found in ((60.0, []), (60.1, [Rule.CLOCK]), (-60.1, [Rule.CLOCK])):
        assert rules(approved(), facts(state=report().patch(skew_s=skew))) == found


def test_all_that_speaks_against_it_is_said_in_two_languages() -> None:
    order = approved(seconds=4000, approved_by="")
    found = objections(order, facts(past("p", 9.9, valve="a")))
    assert [o.rule for o in found] == [
        Rule.LONGEST,
        Rule.APPROVAL,
        Rule.DAY,
        Rule.DAY_ALL,
    ]
    assert all(o.zh and o.en and o.zh != o.en for o in found)


def test_a_report_is_fresh_for_two_minutes() -> None:
    known = facts(state=report())
    for seconds, fresh in ((120, True), (121, False)):
        now = START + timedelta(seconds=seconds)
        said = find_fresh_report(approved(), known, now, make_limits())
        assert (said is not None) is fresh

"""One order, from a proposal to the last drop."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.valves.farm import START, Farm, make_limits, make_order, make_valve

from agroforest.core.errors import DataError
from agroforest.core.valve import Stage
from agroforest.valves.interlock import count_water
from agroforest.valves.life import step
from agroforest.valves.limits import Confirmation, WeatherLimits
from agroforest.valves.surroundings import SensorWord, Surroundings, WeatherWord
from agroforest.valves.turn import (
    Alarm,
    Approve,
    AskState,
    CloseValve,
    Heard,
    Propose,
    SendClose,
    SendOpen,
    Tick,
    Withdraw,
)


def words(farm: Farm) -> list[str]:
    return [entry.what for done in farm.steps for entry in done.audit]


def test_a_whole_life() -> None:
    farm = Farm()
    (command,) = farm.open()
    assert command == SendOpen(
        valve="a",
        order="o1",
        seconds=600,
        sent=START,
        until=START + timedelta(seconds=600),
    )
    assert farm.order().stage is Stage.OPENING
    assert farm.order().m3 == pytest.approx(2.0)
    farm.give(command)
    farm.wait(30)
    farm.hear()
    assert farm.order().stage is Stage.OPEN
    farm.wait(575)
    farm.hear()  # it has closed by itself
    assert farm.order().stage is Stage.CLOSED
    assert farm.order().m3 == pytest.approx(2.0)
    farm.wait(40)
    farm.hear()
    farm.tick()
    assert farm.order().stage is Stage.VERIFIED
    assert farm.alarms == []
    assert words(farm) == ["propose", "approve", "open", "confirm", "closed", "verify"]
    assert [e.who for s in farm.steps for e in s.audit] == [
        *("advice", "韦工", "interlock", "device", "device", "device"),
    ]


def test_every_change_is_audited_with_before_and_after() -> None:
    farm = Farm()
    farm.open()
    entry = next(e for s in farm.steps for e in s.audit if e.what == "open")
    assert (entry.time, entry.valve, entry.order) == (START, "a", "o1")
    assert entry.why == "approved by 韦工"
    assert entry.before["stage"] == "approved"
    assert entry.after["stage"] == "opening"
    assert entry.after["until"] == (START + timedelta(seconds=600)).isoformat()


def test_nothing_is_sent_unless_it_is_switched_on() -> None:
    farm = Farm(limits=make_limits(enabled=False))
    (command,) = farm.open()
    assert isinstance(command, SendOpen)
    assert command.rehearsal
    assert farm.order().stage is Stage.REHEARSED
    assert farm.restart() == ()
    farm.devices["a"].open_by_hand(farm.now)
    farm.wait(1)
    assert farm.hear() == ()
    assert farm.do(CloseValve(valve="a", by="韦工")) == ()
    for _ in range(20):
        farm.wait(60)
        assert farm.tick() == ()
    assert (farm.order().m3, farm.order().sent) == (0, None)


def test_without_a_fresh_report_the_device_is_asked_and_the_order_waits() -> None:
    farm = Farm()
    farm.approve(make_order())
    assert farm.tick() == (AskState(valve="a"),)
    farm.wait(1)
    assert farm.tick() == ()  # asked a moment ago
    farm.wait(20)
    assert farm.tick() == (AskState(valve="a"),)
    farm.hear()
    assert isinstance(farm.tick()[0], SendOpen)


def test_repeating_an_event_changes_nothing() -> None:
    farm = Farm()
    farm.open()
    before = farm.facts
    for event in (
        Propose(order=make_order()),
        Approve(order="o1", by="somebody else"),
        Tick(),
    ):
        done = step(farm.facts, event, farm.now, farm.limits)
        assert (done.facts.orders, done.actions, done.audit) == (before.orders, (), ())


def test_an_id_is_one_order() -> None:
    farm = Farm()
    farm.do(Propose(order=make_order()))
    with pytest.raises(DataError, match="is an order of 600 s for a already"):
        farm.do(Propose(order=make_order(seconds=601)))


def test_a_person_is_named() -> None:
    farm = Farm()
    farm.do(Propose(order=make_order()))
    with pytest.raises(DataError, match="approved by nobody"):
        farm.do(Approve(order="o1", by=" "))
    with pytest.raises(DataError, match="'Interlock', who is no person"):
        farm.do(Approve(order="o1", by="Interlock "))
    with pytest.raises(DataError, match="'o2': does not exist"):
        farm.do(Approve(order="o2", by="韦工"))
    with pytest.raises(DataError, match="closed by nobody"):
        farm.do(CloseValve(valve="a", by=""))
    with pytest.raises(DataError, match="names nobody"):
        farm.do(Propose(order=make_order("o3").patch(proposed_by="")))


def test_a_proposal_cannot_bring_its_own_approval() -> None:
    farm = Farm()
    farm.hear()
    forged = make_order().patch(
        stage=Stage.APPROVED, approved=START, approved_by="nobody"
    )
    farm.do(Propose(order=forged))
    assert farm.tick() == ()
    assert farm.order().stage is Stage.PROPOSED


def test_what_can_never_be_opened_is_refused_at_once() -> None:
    farm = Farm(limits=make_limits({"a": make_valve(has_timer=False)}))
    farm.do(Propose(order=make_order()))
    assert farm.order().stage is Stage.REFUSED
    assert farm.order().note == "the device has no timer that closes it without us"


def test_an_old_approval_expires() -> None:
    farm = Farm()
    farm.approve(make_order())
    farm.wait(1801)
    farm.hear()
    assert farm.tick() == ()
    assert farm.order().stage is Stage.EXPIRED


def test_a_proposal_that_nobody_looks_at_expires() -> None:
    farm = Farm()
    farm.do(Propose(order=make_order()))
    farm.wait(86_401)
    farm.tick()
    assert farm.order().stage is Stage.EXPIRED


def test_a_lost_command_is_repeated_with_the_same_id_and_end() -> None:
    farm = Farm()
    (first,) = farm.open()
    sent = [first]
    for _ in range(60):
        farm.wait(1)
        sent += [a for a in farm.tick() if isinstance(a, SendOpen)]
    assert len(sent) == 5
    assert set(sent) == {first}


def test_a_device_without_memory_gets_a_command_once() -> None:
    farm = Farm(limits=make_limits({"a": make_valve(keeps_ids=False)}))
    farm.open()
    for _ in range(60):
        farm.wait(1)
        assert not [a for a in farm.tick() if isinstance(a, SendOpen)]


def test_where_no_flow_is_seen_the_valve_is_closed() -> None:
    farm = Farm(flow_m3h=0.0)
    (command,) = farm.open()
    farm.give(command)
    for _ in range(13):
        farm.wait(10)
        farm.hear()
        for action in farm.tick():
            farm.give(action)
    assert [a.alarm for a in farm.alarms] == [Alarm.NO_FLOW]
    assert not farm.devices["a"].is_open
    farm.wait(1)
    farm.hear()
    assert farm.order().stage is Stage.CLOSED
    # The meter stood still, which may be the meter: counted as if all had flowed.
    assert farm.order().m3 == pytest.approx(2.0)


def test_a_command_that_never_came_counts_nothing_once_that_is_known() -> None:
    farm = Farm()
    farm.open()
    farm.wait(605)
    farm.tick()
    farm.hear()
    assert farm.order().stage is Stage.CLOSING  # it may still be on its way
    assert farm.order().m3 == pytest.approx(2.0)
    farm.wait(120)
    farm.hear()
    assert farm.order().stage is Stage.CLOSED
    assert farm.order().m3 == 0


def test_it_counts_as_the_most_while_nothing_is_heard() -> None:
    farm = Farm()
    (command,) = farm.open()
    farm.give(command)
    for hours in range(1, 60):
        farm.wait(3600)
        farm.tick()
        day = farm.limits.day(farm.now)
        counted = count_water(farm.facts, day, farm.now, farm.limits)
        assert counted == pytest.approx(2.0), hours
    assert [a.alarm for a in farm.alarms] == [Alarm.SILENT]


def test_a_person_closes_early() -> None:
    farm = Farm()
    (command,) = farm.open()
    farm.give(command)
    farm.wait(60)
    farm.hear()
    (close,) = farm.do(CloseValve(valve="a", by="韦工", why="leaking pipe"))
    assert close == SendClose(valve="a", order="o1")
    farm.give(close)
    farm.wait(1)
    farm.hear()
    assert farm.order().stage is Stage.CLOSED
    assert farm.order().m3 == pytest.approx(0.2)


def test_closing_withdraws_what_waits() -> None:
    farm = Farm()
    farm.approve(make_order())
    farm.do(CloseValve(valve="a", by="韦工", why="rain"))
    farm.hear()
    farm.tick()
    assert farm.order().stage is Stage.WITHDRAWN
    assert farm.order().note == "rain"


def test_a_close_that_comes_before_its_open_wins() -> None:
    farm = Farm()
    (command,) = farm.open()
    (close, *_) = farm.do(CloseValve(valve="a", by="韦工"))
    farm.give(close)
    farm.give(command)
    assert not farm.devices["a"].is_open


def test_a_valve_opened_by_hand_is_closed_and_its_water_counts() -> None:
    farm = Farm()
    farm.hear()
    farm.devices["a"].open_by_hand(farm.now)
    farm.wait(60)
    close, *_ = farm.hear()
    assert close == SendClose(valve="a")
    assert [a.alarm for a in farm.alarms] == [Alarm.UNCALLED]
    farm.approve(make_order())
    farm.tick()
    assert farm.order().stage is Stage.REFUSED
    assert "open without an order" in farm.order().note
    farm.give(close)
    farm.wait(1)
    farm.hear()
    day = farm.limits.day(farm.now)
    assert count_water(farm.facts, day, farm.now, farm.limits) == pytest.approx(0.2)
    assert farm.facts.valves["a"].alarms == ()


def test_closing_is_repeated_until_the_device_says_so() -> None:
    farm = Farm()
    (command,) = farm.open()
    farm.give(command)
    farm.wait(30)
    farm.hear()
    farm.do(CloseValve(valve="a", by="韦工"))
    sent = []
    for _ in range(120):
        farm.wait(1)
        sent += [a for a in farm.tick() if isinstance(a, SendClose)]
    assert len(sent) == 8
    farm.give(sent[-1])
    farm.wait(1)
    farm.hear()
    farm.wait(60)
    assert not [a for a in farm.tick() if isinstance(a, SendClose)]


def test_a_leak_is_an_alarm_and_no_opening() -> None:
    farm = Farm()
    farm.hear(flow_m3h=0.4)
    assert [a.alarm for a in farm.alarms] == [Alarm.LEAK]
    farm.wait(1)
    farm.hear(flow_m3h=0.4)
    assert len(farm.alarms) == 1
    farm.approve(make_order())
    farm.tick()
    assert "0.40 m³/h flow though it is closed" in farm.order().note
    farm.wait(1)
    farm.hear()
    assert farm.facts.valves["a"].alarms == ()


def test_a_device_whose_clock_is_off_is_not_opened() -> None:
    farm = Farm()
    farm.hear()
    farm.devices["a"].skew_s = -61
    farm.wait(1)
    farm.hear()
    farm.approve(make_order())
    farm.tick()
    assert "clock is off by -61 s" in farm.order().note
    assert [a.alarm for a in farm.alarms] == [Alarm.CLOCK]
    farm.devices["a"].skew_s = 59
    farm.wait(1)
    farm.hear()
    assert isinstance(farm.open(make_order("o2"))[0], SendOpen)


def test_old_and_repeated_reports_change_nothing() -> None:
    farm = Farm()
    (command,) = farm.open()
    early = farm.report()
    farm.give(command)
    farm.wait(30)
    late = farm.report()
    farm.hear()
    facts = farm.facts
    for report in (early, late):
        again = Heard(report=replace(report, received=farm.now))
        done = step(farm.facts, again, farm.now, farm.limits)
        assert done.facts.orders == facts.orders
        assert done.facts.valves["a"].report == facts.valves["a"].report
        assert done.audit == ()


def test_a_device_without_memory_is_not_believed_early() -> None:
    farm = Farm(limits=make_limits({"a": make_valve(keeps_ids=False)}))
    farm.open()
    farm.wait(5)
    farm.hear(command="o1")  # closed: but the command may yet come
    assert farm.order().stage is Stage.OPENING
    farm.wait(600)
    farm.tick()
    farm.hear()
    assert farm.order().stage is Stage.CLOSING
    farm.wait(120)
    farm.hear()
    assert farm.order().stage is Stage.CLOSED


def test_more_flow_than_rated_closes_it() -> None:
    farm = Farm(flow_m3h=15.0)
    (command,) = farm.open()
    farm.give(command)
    farm.wait(10)
    close, *_ = farm.hear()
    assert close == SendClose(valve="a", order="o1")
    assert [a.alarm for a in farm.alarms] == [Alarm.MORE]


def test_water_that_was_counted_is_all_that_may_flow() -> None:
    farm = Farm(flow_m3h=13.0)  # a little more than is rated
    (command,) = farm.open()
    farm.give(command)
    closed = None
    while closed is None:
        farm.wait(5)
        closed = next((a for a in farm.hear() if isinstance(a, SendClose)), None)
    assert farm.devices["a"].meter_m3 < 2.0 + 13.0 * 5 / 3600


def test_rain_ends_what_runs() -> None:
    farm = Farm(limits=make_limits(weather=WeatherLimits(rain_measured_mm=5.0)))
    farm.around = Surroundings(weather=WeatherWord(time=START, rain_measured_mm=0.0))
    (command,) = farm.open()
    farm.give(command)
    farm.wait(60)
    farm.hear()
    assert farm.tick() == ()
    farm.around = Surroundings(weather=WeatherWord(time=farm.now, rain_measured_mm=6.5))
    assert SendClose(valve="a", order="o1") in farm.tick()
    assert farm.order().stage is Stage.CLOSING


def test_moisture_confirms_where_there_is_no_meter() -> None:
    valve = make_valve(confirmation=Confirmation.MOISTURE, moisture_sensor="p")
    farm = Farm(limits=make_limits({"a": valve}))

    def wet(moisture: float) -> None:
        word = SensorWord(time=farm.now, moisture=moisture)
        farm.around = Surroundings(sensors={"p": word})

    wet(0.20)
    (command,) = farm.open()
    farm.give(command)
    farm.wait(300)
    wet(0.21)
    farm.tick()
    assert farm.order().stage is Stage.OPENING
    farm.wait(60)
    wet(0.23)
    farm.tick()
    assert farm.order().stage is Stage.OPEN
    farm.wait(300)
    farm.hear()
    farm.wait(31)
    farm.hear()
    farm.tick()
    assert farm.order().stage is Stage.VERIFIED


def test_soil_that_stays_dry_is_an_alarm() -> None:
    valve = make_valve(confirmation=Confirmation.MOISTURE, moisture_sensor="p")
    farm = Farm(limits=make_limits({"a": valve}))
    farm.around = Surroundings(sensors={"p": SensorWord(time=START, moisture=0.2)})
    (command,) = farm.open()
    farm.give(command)
    for _ in range(8):
        farm.wait(3600)
        farm.hear()
        farm.tick()
    assert farm.order().stage is Stage.VERIFIED
    assert Alarm.NOT_WETTER in [a.alarm for a in farm.alarms]


def test_after_a_restart_states_are_asked_and_what_is_over_is_closed() -> None:
    farm = Farm()
    farm.open()
    farm.wait(700)
    assert farm.restart() == (AskState(valve="a"), AskState(valve="b"))
    assert "pick up" in words(farm)
    assert SendClose(valve="a", order="o1") in farm.tick()


def test_a_clock_that_runs_back_stands_still() -> None:
    farm = Farm()
    farm.open()
    early = step(farm.facts, Tick(), START - timedelta(hours=2), farm.limits)
    assert early.facts.now == START
    assert early.actions == ()


def test_a_time_without_zone_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        step(Farm().facts, Tick(), START.replace(tzinfo=None), make_limits())


def test_who_proposed_takes_it_back_before_it_is_approved_only() -> None:
    farm = Farm()
    farm.do(Propose(order=make_order("early")))
    farm.approve(make_order("late"))
    for name in ("early", "late", "unknown"):
        farm.do(Withdraw(order=name, by="water advise", why="not advised"))
    assert farm.order("early").stage is Stage.WITHDRAWN
    assert farm.order("early").note == "not advised"
    assert farm.order("late").stage is Stage.APPROVED


def test_rules_of_the_day_are_asked_with_a_proposal_if_it_brings_them() -> None:
    wet = Surroundings(weather=WeatherWord(time=START, rain_forecast_mm=9.0))
    limits = make_limits(weather=WeatherLimits(rain_forecast_mm=5.0))
    farm = Farm(limits=limits)
    farm.do(Propose(order=make_order("by hand")))
    farm.do(Propose(order=make_order("advised"), around=wet))
    assert farm.order("by hand").stage is Stage.PROPOSED
    assert farm.order("advised").stage is Stage.REFUSED
    assert farm.order("advised").note == "rain forecast 9.0 mm, limit 5.0"
    farm.do(Propose(order=make_order("advised"), around=Surroundings()))
    assert farm.order("advised").stage is Stage.REFUSED


@pytest.mark.parametrize("name", ["advice", "water advise", " Interlock ", "device"])
def test_no_program_approves(name: str) -> None:
    farm = Farm()
    farm.do(Propose(order=make_order()))
    with pytest.raises(DataError, match="no person"):
        farm.do(Approve(order="o1", by=name))

"""From a night's advice to orders in a real store, and from orders to records."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.valves.farm import START
from tests.valves.test_advised import MIDNIGHT, NIGHT, NOW, make_parcel

from agroforest.core.errors import AgroforestError, ConfigurationError, DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.core.valve import AuditEntry, Order, Stage, ValveFacts
from agroforest.nightly.water.irrigation import read_irrigations
from agroforest.store import Store, open_store
from agroforest.valves.advised import NightAdvice
from agroforest.valves.control import decide
from agroforest.valves.proposals import Proposal, list_given, propose_advised
from agroforest.valves.settings import ValveSettings, read_valve_settings
from agroforest.valves.turn import Approve, Propose, Step

_SETTINGS = """
day_m3 = 60.0
[broker]
host = "127.0.0.1"
[weather]
file = "weather.csv"
rain_forecast_mm = 5.0
[valve.north]
parcel = "p1"
rated_m3h = 12.0
day_m3 = 30.0
longest_minutes = 240
has_timer = true
command = { topic = "c" }
report = { topic = "s" }
[valve.spare]
rated_m3h = 12.0
day_m3 = 30.0
longest_minutes = 120
has_timer = true
command = { topic = "d" }
report = { topic = "t" }
"""


class Farm:
    """A store of valves and probes, and nights of advice."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self.rain(0.0)

    @property
    def settings(self) -> ValveSettings:
        path = self.folder / "valves.toml"
        path.write_text(_SETTINGS, encoding="utf-8")
        return read_valve_settings(path)

    def rain(self, mm: float, now: datetime = NOW) -> None:
        path = self.folder / "weather.csv"
        hours = [now + timedelta(hours=n) for n in range(-30, 30)]
        rows = [f"{each.isoformat()},{mm / 24},0" for each in hours]
        path.write_text("\n".join(["time,rain_mm,wind_ms", *rows]) + "\n")
        os.utime(path, (now.timestamp(), now.timestamp()))

    def probe(self, name: str, value: Callable[[int], float]) -> dict[str, Any]:
        """Add a probe that reports every hour up to now."""
        self.store.add_sensors([Sensor(id=name, name=name)])
        self.store.add_readings(
            Reading(
                sensor=name,
                time=NOW - timedelta(hours=n, minutes=10),
                variable=Variable.SOIL_MOISTURE,
                depth_m=0.3,
                value=value(n),
                quality=Quality.GOOD,
            )
            for n in range(24 * 14)
        )
        return {"id": name, "trust": 1.0, "used": True, "en": ""}

    def propose(
        self, *, nights: int = 0, now: datetime | None = None, **changes: Any
    ) -> Proposal:
        later = timedelta(days=nights)
        document = {
            "night": (NIGHT + later).isoformat(),
            "moment": (MIDNIGHT + later).isoformat(),
            "parcels": [make_parcel(**changes)],
        }
        advice = NightAdvice.of("fields", document)
        (found,) = propose_advised(
            self.store, self.settings, advice, now=now or NOW + later
        )
        return found

    def orders(self) -> dict[str, Order]:
        return dict(self.store.valve_facts(NOW).orders)


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with open_store(tmp_path / "a.db") as store:
        yield Farm(tmp_path, store)


def falling(n: int) -> float:
    """Soil moisture `n` hours ago of a field that dries, with a probe's noise."""
    return 0.15 + 0.0003 * n + 0.0007 * ((n * 7919) % 5)


def rules(found: Proposal) -> set[str]:
    return {str(each.rule) for each in found.against}


def test_proposing_twice_changes_nothing(farm: Farm) -> None:
    found = farm.propose()
    assert found.order is not None
    assert (found.order.stage, found.known) == (Stage.PROPOSED, False)
    assert found.order.seconds == 1800
    assert found.against == ()
    audit, orders = farm.store.valve_audit(), farm.orders()
    again = farm.propose(now=NOW + timedelta(hours=2))
    assert again.known
    assert again.order == found.order
    assert farm.store.valve_audit() == audit
    assert farm.orders() == orders


def test_nothing_opens_before_a_person_approves(farm: Farm) -> None:
    found = farm.propose()
    assert found.order is not None
    assert farm.orders()[found.order.id].approved is None
    event = Approve(order=found.order.id, by=found.order.proposed_by)
    with pytest.raises(AgroforestError, match="who is no person"):
        decide(farm.store, event, farm.settings.limits, now=NOW)


def test_rain_refuses_and_the_same_advice_can_come_back(farm: Farm) -> None:
    farm.rain(12.0)
    found = farm.propose()
    assert found.order is not None
    assert (found.order.stage, rules(found)) == (Stage.REFUSED, {"rain"})
    assert found.order.note == "rain forecast 12.0 mm, limit 5.0"
    audit = farm.store.valve_audit()
    assert farm.propose().known
    assert farm.store.valve_audit() == audit
    farm.rain(0.0)  # a new forecast
    later = farm.propose()
    assert later.order is not None
    assert later.order.stage is Stage.PROPOSED
    assert later.order.id != found.order.id


def test_what_is_not_known_refuses_too(farm: Farm) -> None:
    (farm.folder / "weather.csv").unlink()
    found = farm.propose()
    assert found.order is not None
    assert found.order.note == "rain forecast is not known"


def test_more_than_a_day_may_have_is_refused(farm: Farm) -> None:
    found = farm.propose(amount_m3=40.0)
    assert found.order is not None
    assert (found.order.stage, rules(found)) == (Stage.REFUSED, {"day"})
    assert "40.0 m³ more exceed the day's 30.0 m³" in found.order.note


def test_a_good_probe_is_no_reason_against(farm: Farm) -> None:
    found = farm.propose(sensors=[farm.probe("good", falling)])
    assert found.order is not None
    assert (found.order.stage, found.order.sensors) == (Stage.PROPOSED, ("good",))


def test_a_probe_that_fails_after_the_night_refuses(farm: Farm) -> None:
    found = farm.propose(sensors=[farm.probe("flat", lambda _: 1.79)])
    assert found.order is not None
    assert (found.order.stage, rules(found)) == (Stage.REFUSED, {"sensor"})
    assert "sensor flat is not trusted" in found.order.note


def test_a_probe_that_the_night_doubts_refuses(farm: Farm) -> None:
    probe = farm.probe("odd", falling) | {"used": False, "en": "contradicts its six"}
    found = farm.propose(sensors=[probe])
    assert found.order is not None
    assert found.order.note == "sensor odd is not trusted (contradicts its six)"


def test_newer_advice_takes_the_place_of_older(farm: Farm) -> None:
    first = farm.propose()
    assert first.order is not None
    farm.rain(0.0, NOW + timedelta(days=1))
    second = farm.propose(nights=1, amount_m3=7.0)
    assert second.order is not None
    stages = {each.id: each.stage for each in farm.orders().values()}
    assert stages == {
        first.order.id: Stage.WITHDRAWN,
        second.order.id: Stage.PROPOSED,
    }
    assert farm.propose(nights=2, verdict="enough").order is None
    assert farm.orders()[second.order.id].stage is Stage.WITHDRAWN


def test_what_a_person_did_is_left_alone(farm: Farm) -> None:
    first = farm.propose()
    assert first.order is not None
    limits = farm.settings.limits
    decide(farm.store, Approve(order=first.order.id, by="韦工"), limits, now=NOW)
    own = first.order.patch(id="own", valve="spare", proposed_by="韦工")
    decide(farm.store, Propose(order=own), limits, now=NOW)
    mine = first.order.patch(id="mine", proposed_by="韦工")
    decide(farm.store, Propose(order=mine), limits, now=NOW)
    farm.propose(nights=1, verdict="enough")
    stages = {each.id: each.stage for each in farm.orders().values()}
    assert stages == {
        first.order.id: Stage.APPROVED,
        "own": Stage.PROPOSED,
        "mine": Stage.PROPOSED,
    }


def test_advice_of_long_ago_proposes_nothing(farm: Farm) -> None:
    with pytest.raises(DataError, match="is 3 days old"):
        farm.propose(now=MIDNIGHT + timedelta(days=3, hours=1))
    assert farm.orders() == {}


def test_settings_that_name_no_parcel_are_refused(farm: Farm) -> None:
    bare = farm.settings
    valves = {"spare": bare.valve["spare"]}
    advice = NightAdvice(pipeline="f", night=NIGHT, moment=MIDNIGHT, fields={})
    with pytest.raises(ConfigurationError, match="which parcel it waters"):
        propose_advised(
            farm.store, bare.model_copy(update={"valve": valves}), advice, now=NOW
        )


def finish(farm: Farm, order: Order, sent: datetime, m3: float) -> None:
    """Record an opening that has ended, as the controller leaves it."""
    ended = order.patch(
        stage=Stage.VERIFIED, sent=sent, closed=sent, m3=m3, settled=True
    )
    entry = AuditEntry(
        time=sent, valve=order.valve, order=order.id, who="i", what="open", why="x"
    )

    def write(facts: ValveFacts) -> Step:
        orders = {**facts.orders, order.id: ended}
        after = ValveFacts(valves=facts.valves, orders=orders, now=sent)
        return Step(facts=after, actions=(), audit=(entry,))

    farm.store.decide_valves(write, sent, orders=(order.id,))


def test_what_valves_gave_becomes_a_record_of_irrigation(
    farm: Farm, tmp_path: Path
) -> None:
    first = farm.propose()
    assert first.order is not None
    finish(farm, first.order, NOW, 5.0)
    again = farm.propose(amount_m3=3.0)
    assert again.order is None
    assert "5.0 m³ were given on 2024-06-11, since that advice" in again.en
    second = first.order.patch(id="second")
    finish(farm, second, NOW + timedelta(hours=3), 2.5)
    long_after = START + timedelta(days=400)
    (row,) = list_given(farm.store, farm.settings, now=long_after)
    assert (row.parcel, str(row.day), row.m3) == ("p1", "2024-06-11", 7.5)
    lacking = farm.propose(nights=200)
    assert lacking.order is None
    assert "lack the 2.5 m³ of 2024-06-11" in lacking.en
    path = tmp_path / "given.csv"
    path.write_text(f"地块,日期,立方米\np1,{row.day},{row.m3}\n", encoding="utf-8")
    read = read_irrigations(path, {"p1": 1.0})
    assert (read.refused, sum(read.mm["p1"].values())) == ((), 0.75)
    farm.rain(0.0, NOW + timedelta(days=200))
    assert farm.propose(nights=200, last_irrigation="2024-06-11").order

"""What the advice of a night wants of a valve."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.valves.farm import make_limits, make_order, make_valve

from agroforest.core.errors import DataError
from agroforest.core.valve import Order, Stage
from agroforest.valves.advised import ADVISED, FieldAdvice, NightAdvice, Wish, find_wish

NIGHT = date(2024, 6, 10)
MIDNIGHT = datetime(2024, 6, 10, 16, tzinfo=UTC)  # of a farm in China
NOW = MIDNIGHT + timedelta(hours=8)


def make_parcel(**changes: Any) -> dict[str, Any]:
    return {
        "id": "p1",
        "name_zh": "1 号地",
        "name_en": "field 1",
        "zh": "1 号地：灌水。",
        "en": "Field 1: irrigate.",
        "verdict": "irrigate",
        "amount_m3": 6.0,
        "amount_mm": 60.0,
        "net_mm": 54.0,
        "depletion_mm": 70.0,
        "latest": "2024-06-11",
        "last_irrigation": None,
        "sensors": [],
    } | changes


def make_advice(night: date = NIGHT, **changes: Any) -> NightAdvice:
    document = {
        "night": night.isoformat(),
        "moment": MIDNIGHT.isoformat(),
        "parcels": [make_parcel(**changes)],
    }
    return NightAdvice.of("fields", document)


def wish(
    advice: NightAdvice,
    *,
    parcel: str = "p1",
    last: Order | None = None,
    longest_s: int = 3600,
) -> Wish:
    limits = make_limits({"a": make_valve(longest_s=longest_s)})
    return find_wish("a", parcel, advice, last=last, limits=limits, now=NOW)


def order_of(advice: NightAdvice, **more: Any) -> Order:
    found = wish(advice, **more).order
    assert found is not None
    return found


def test_the_water_at_the_rated_flow_and_why() -> None:
    order = order_of(make_advice())  # twelve cubic metres an hour
    assert (order.valve, order.seconds, order.stage) == ("a", 1800, Stage.PROPOSED)
    assert order.proposed_by == ADVISED
    assert order.why == (
        "1 号地 最迟 2024-06-11 灌水 60 mm，6 m³ · field 1 by 2024-06-11: 60 mm, 6 m³"
    )


def test_an_opening_as_long_as_the_valve_may_be_and_it_says_so() -> None:
    order = order_of(make_advice(amount_m3=30.0))
    assert order.seconds == 3600
    assert "先开 60/150 min" in order.why
    assert "60/150 min for now" in order.why


@given(depletion=st.floats(0, 200), net=st.floats(1, 200), m3=st.floats(0, 500))
def test_never_more_than_advised_nor_than_the_soil_takes(
    depletion: float, net: float, m3: float
) -> None:
    field = FieldAdvice.of(
        make_parcel(depletion_mm=depletion, net_mm=net, amount_m3=m3)
    )
    assert field.wanted_m3 <= m3
    assert field.wanted_m3 * net <= m3 * depletion * (1 + 1e-9) or net <= depletion


def test_half_is_proposed_where_the_soil_takes_half_tonight() -> None:
    assert order_of(make_advice(depletion_mm=27.0)).seconds == 900
    found = wish(make_advice(depletion_mm=0.0))
    assert found.order is None
    assert "takes no more water" in found.en


def test_the_id_is_that_of_the_content() -> None:
    first = order_of(make_advice())
    assert order_of(make_advice()).id == first.id
    probe = {"id": "s1", "trust": 1.0, "used": True, "en": ""}
    others = [
        make_advice(night=NIGHT + timedelta(days=1)),
        make_advice(amount_m3=5.0),
        make_advice(sensors=[probe]),
    ]
    assert len({first.id, *(order_of(each).id for each in others)}) == 4


def test_an_order_rests_on_the_probes_of_soil_moisture() -> None:
    probes = [
        {"id": "good", "trust": 1.0, "used": True, "en": ""},
        {"id": "bad", "trust": 0.1, "used": False, "en": "flat"},
        {"id": "gauge", "trust": None, "used": False, "en": "no soil moisture"},
    ]
    advice = make_advice(sensors=probes)
    assert order_of(advice).sensors == ("good", "bad")
    assert advice.fields["p1"].doubted == {"bad": "flat"}


@pytest.mark.parametrize("verdict", ["enough", "rain-comes", "withheld", None])
def test_no_order_without_advice_to_irrigate(verdict: str | None) -> None:
    found = wish(make_advice(verdict=verdict, amount_m3=None))
    assert (found.order, found.en) == (None, "Field 1: irrigate.")


def test_a_parcel_that_the_night_does_not_know() -> None:
    found = wish(make_advice(), parcel="p9")
    assert (found.order, found.en) == (None, "the advice names no parcel p9")


def opened(sent: datetime, m3: float = 6.0) -> Order:
    return make_order().patch(sent=sent, m3=m3, settled=True, stage=Stage.VERIFIED)


def test_nothing_more_after_water_was_given_on_that_advice() -> None:
    found = wish(make_advice(), last=opened(MIDNIGHT + timedelta(hours=1)))
    assert found.order is None
    assert "6.0 m³ were given on 2024-06-11, since that advice" in found.en


def test_nothing_on_a_balance_that_lacks_what_the_valve_gave() -> None:
    last = opened(MIDNIGHT - timedelta(days=2))  # 2024-06-09 in China, by a minute
    for recorded in (None, "2024-06-08"):
        found = wish(make_advice(last_irrigation=recorded), last=last)
        assert found.order is None
        assert "the irrigation records lack the 6.0 m³ of 2024-06-09" in found.en
    assert wish(make_advice(last_irrigation="2024-06-09"), last=last).order
    dry = last.patch(m3=0.0)  # the meter stood still
    assert wish(make_advice(), last=dry).order


def test_a_file_of_another_version_is_one_line() -> None:
    document = {"night": "2024-06-10", "moment": "2024-06-10T16:00Z", "parcels": [{}]}
    with pytest.raises(DataError, match="run the night again"):
        NightAdvice.of("fields", document)

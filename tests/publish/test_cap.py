"""CAP messages: valid, in the right order, and never surer than somebody was."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from tests.publish.cases import WEI, Life, burn, lose_canopy, make_facts

from agroforest.core.alert import Change
from agroforest.core.errors import ConfigurationError, DataError, ForbiddenError
from agroforest.core.fire import EventConfidence, EventKind, Gate, Outcome
from agroforest.core.review import ENDED, Reason, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.publish.cap import NAMESPACE, CapMessage, Sender, build_messages
from agroforest.publish.cap_history import Kind
from agroforest.review.commands import (
    Approve,
    Close,
    Confirm,
    Dismiss,
    Merge,
    Note,
    Pass,
    Reopen,
    Return,
    Split,
    Unmerge,
)

SENDER = Sender(
    id="alerts@forestry.example",
    name=("南宁市林业局", "Nanning forestry bureau"),
    contact="0771-12119",
    link="https://forestry.example/alerts",
)
CAP = {"c": NAMESPACE}


@pytest.fixture(scope="module")
def schema(data_dir: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(data_dir / "cap" / "CAP-v1.2.xsd"))


def read(message: CapMessage) -> etree._Element:
    return etree.fromstring(message.xml)


def find(message: CapMessage, tag: str) -> list[str]:
    return [str(e.text) for e in read(message).iterfind(f".//c:{tag}", CAP)]


def build(life: Life, sender: Sender = SENDER) -> tuple[CapMessage, ...]:
    return build_messages(life.history(), sender)


def kinds(life: Life, name: str = "c1") -> list[Kind]:
    return [m.kind for m in build_messages(life.history(name), SENDER)]


# ------------------------------------------------------------------- when


def test_nothing_is_public_before_a_verdict_stands():
    life = lose_canopy()
    assert kinds(life) == []
    life.act(Pass(case="c1")).act(Confirm(case="c1", reason=Reason.SEEN_IN_IMAGES))
    assert kinds(life) == []
    life.act(Return(case="c1", note="看不清"), WEI)
    assert kinds(life) == []
    assert kinds(life.confirm()) == [Kind.ALERT]


def test_dismissal_before_anything_was_public_says_nothing():
    assert kinds(lose_canopy().dismiss()) == []


def test_dismissal_of_what_was_public_cancels_it():
    life = lose_canopy().confirm().act(Reopen(case="c1", note="重看"), WEI)
    assert kinds(life) == [Kind.ALERT]
    life.act(Dismiss(case="c1", reason=Reason.SHADOW))
    assert kinds(life) == [Kind.ALERT], "a verdict that nobody approved"
    alert, cancel = build(
        lose_canopy()
        .confirm()
        .act(Reopen(case="c1", note="重看"), WEI)
        .dismiss(Reason.SHADOW)
    )
    assert cancel.kind is Kind.CANCEL
    assert cancel.ended
    assert find(cancel, "certainty") == ["Unlikely"] * 2
    assert find(cancel, "urgency") == ["Past"] * 2
    assert "阴影" in find(cancel, "description")[0]
    assert not alert.ended


def test_closing_says_all_clear():
    *_, last = build(lose_canopy().confirm().act(Close(case="c1"), WEI))
    assert last.kind is Kind.UPDATE
    assert find(last, "responseType") == ["AllClear"] * 2


def test_growth_updates():
    life = lose_canopy().confirm().night(Change.GROWN, grow=2)
    alert, update = build(life)
    assert update.kind is Kind.UPDATE
    assert "约 5.0 公顷（75 亩）" in update.words[0].headline
    assert "about 5.0 ha (75 mu)" in update.words[1].headline
    assert "2.5 ha" in alert.words[1].headline


def test_notes_and_releases_say_nothing():
    life = lose_canopy().confirm().night(Change.RELEASED)
    life.act(Note(case="c1", note="写一句"))
    assert kinds(life) == [Kind.ALERT]


def test_merge_cancels_and_its_undoing_warns_again():
    life = lose_canopy().confirm().night(Change.NEW, name="c2")
    life.act(Merge(case="c2", others=("c1",)))
    assert kinds(life) == [Kind.ALERT, Kind.CANCEL]
    assert "c2" in build(life)[-1].words[1].description
    life.act(Unmerge(case="c1"))
    assert kinds(life) == [Kind.ALERT, Kind.CANCEL, Kind.ALERT]
    assert find(build(life)[-1], "references") == []


def test_fire_past_the_gate_is_public_at_once():
    life = burn()
    assert kinds(life) == [Kind.ALERT]
    assert kinds(life.confirm()) == [Kind.ALERT, Kind.UPDATE]
    assert kinds(burn(gate=Gate.UNGATED)) == [Kind.ALERT]


def test_fire_held_at_the_gate_waits_for_a_verdict():
    life = burn(gate=Gate.HELD)
    assert kinds(life) == []
    assert kinds(life.confirm()) == [Kind.ALERT]


def test_dismissed_fire_that_is_seen_again_warns_again():
    life = burn().dismiss()
    assert kinds(life) == [Kind.ALERT, Kind.CANCEL]
    life.act(Note(case="c1", note="写一句"))
    assert kinds(life) == [Kind.ALERT, Kind.CANCEL]
    life.night(Change.REOPENED)
    assert kinds(life) == [Kind.ALERT, Kind.CANCEL, Kind.ALERT]


@pytest.mark.parametrize(
    "outcome", [o for o in Outcome if o is not Outcome.FOREST_FIRE]
)
def test_fire_that_somebody_explained_is_cancelled(outcome):
    life = burn().verify(outcome).act(Note(case="c1", note="写一句"))
    _, cancel = build(life)
    assert cancel.kind is Kind.CANCEL
    assert find(cancel, "responseType") == ["AllClear"] * 2
    assert kinds(life.night(Change.REOPENED)) == [
        *(Kind.ALERT, Kind.CANCEL, Kind.ALERT)
    ]


def test_fire_that_nights_see_no_more_is_not_called_over():
    *_, last = build(burn().night(Change.RELEASED).night(Change.CLOSED))
    assert last.kind is Kind.UPDATE
    assert last.ended
    assert find(last, "responseType") == ["Monitor"] * 2
    assert "not mean over" in last.words[1].instruction


def test_parts_of_a_split_fire_warn_for_themselves():
    life = burn()
    life.act(Split(case="c1", line=shapely.LineString([(108.275, 23), (108.275, 24)])))
    assert kinds(life) == [Kind.ALERT, Kind.CANCEL]
    parts = [name for name in life.cases if name != "c1"]
    assert len(parts) == 2
    assert [kinds(life, name) for name in parts] == [[Kind.ALERT]] * 2


# ------------------------------------------------------------- how certain


def test_satellites_alone_observe_nothing():
    facts = make_facts()
    sure = facts.event.patch(confidence=EventConfidence.HIGH, looks=4)
    for life, certainty in ((burn(), "Possible"), (burn(event=sure), "Likely")):
        (message,) = build(life)
        assert find(message, "certainty") == [certainty] * 2
    (message,) = build(lose_canopy().confirm())
    assert find(message, "certainty") == ["Likely"] * 2


def test_who_was_there_observed_it():
    (seen,) = build(lose_canopy().confirm(Reason.SEEN_IN_FIELD))
    assert find(seen, "certainty") == ["Observed"] * 2
    *_, verified = build(burn().verify(Outcome.FOREST_FIRE))
    assert verified.kind is Kind.UPDATE
    assert find(verified, "certainty") == ["Observed"] * 2
    (told,) = build(lose_canopy().confirm(Reason.REPORTED))
    assert find(told, "certainty") == ["Likely"] * 2


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        (EventKind.FIRE, "Severe"),
        (EventKind.CROP, "Moderate"),
        (EventKind.STATIC, "Minor"),
    ],
)
def test_severity_of_heat_goes_by_what_it_is_taken_for(kind, severity):
    (message,) = build(burn(event=make_facts().event.patch(kind=kind)))
    assert find(message, "severity") == [severity] * 2
    assert find(message, "urgency") == ["Immediate"] * 2
    assert find(message, "category") == ["Fire", "Env"] * 2


@pytest.mark.parametrize(
    ("hazard", "area", "severity"),
    [
        (Hazard.CANOPY_LOSS, 0.9, "Minor"),
        (Hazard.CANOPY_LOSS, 1.0, "Moderate"),
        (Hazard.CANOPY_STRESS, 9.9, "Minor"),
        (Hazard.CANOPY_STRESS, 10.0, "Moderate"),
    ],
)
def test_severity_of_canopy_goes_by_area(hazard, area, severity):
    life = Life(hazard=hazard, area_ha=area).night(Change.NEW).confirm()
    (message,) = build(life)
    assert find(message, "severity") == [severity] * 2
    assert find(message, "urgency") == ["Future"] * 2


# ---------------------------------------------------------------- what it says


def test_messages_refer_to_those_they_replace():
    life = burn().confirm().night(Change.GROWN, grow=2).dismiss_later()
    messages = build(life)
    assert [m.kind for m in messages] == [
        *(Kind.ALERT, Kind.UPDATE, Kind.UPDATE, Kind.CANCEL)
    ]
    named = [f"{SENDER.id},{m.identifier},{find(m, 'sent')[0]}" for m in messages]
    for place, message in enumerate(messages):
        references = find(message, "references")
        assert references == ([" ".join(named[:place])] if place else [])


def go_on(life: Life) -> Iterator[Life]:
    yield life.confirm()
    yield life.night(Change.GROWN, grow=3)
    yield life.verify(Outcome.FOREST_FIRE)
    yield life.night(Change.CLOSED)
    yield life.act(Close(case="c1"), WEI)
    yield life.night(Change.REOPENED)
    yield life.verify(Outcome.CROP_BURNING)


def test_history_that_goes_on_only_adds_messages():
    before: tuple[CapMessage, ...] = ()
    for life in go_on(burn()):
        after = build(life)
        assert [(m.identifier, m.sent, m.kind) for m in after[: len(before)]] == [
            (m.identifier, m.sent, m.kind) for m in before
        ]
        before = after
    assert len(before) == 7
    assert len({m.identifier for m in before}) == 7


ACTS: list[Callable[[Life], Life]] = [
    lambda life: life.act(Pass(case="c1")),
    lambda life: life.act(Confirm(case="c1", reason=Reason.SEEN_IN_IMAGES)),
    lambda life: life.act(Confirm(case="c1", reason=Reason.SEEN_IN_FIELD)),
    lambda life: life.act(Dismiss(case="c1", reason=Reason.CLOUD)),
    lambda life: life.act(Approve(case="c1"), WEI),
    lambda life: life.act(Return(case="c1", note="重看"), WEI),
    lambda life: life.act(Reopen(case="c1", note="重看"), WEI),
    lambda life: life.act(Close(case="c1"), WEI),
    lambda life: life.act(Note(case="c1", note="写一句")),
    lambda life: life.act(Merge(case="c2", others=("c1",))),
    lambda life: life.act(Unmerge(case="c1")),
    lambda life: life.night(Change.GROWN, grow=1.5),
    lambda life: life.night(Change.RELEASED),
    lambda life: life.night(Change.REOPENED),
    lambda life: life.night(Change.CLOSED),
    lambda life: life.verify(Outcome.FOREST_FIRE) if life.fire else life,
    lambda life: life.verify(Outcome.NOTHING) if life.fire else life,
]


@settings(max_examples=80)
@given(st.booleans(), st.lists(st.sampled_from(ACTS), max_size=14))
def test_whatever_happens_messages_make_sense(fire, acts):
    life = burn() if fire else lose_canopy()
    life.night(Change.NEW, name="c2")
    before = build(life)
    for act in acts:
        try:
            act(life)
        except (DataError, ForbiddenError):
            continue  # the desk does not do that here
        after = build(life)
        assert [m.identifier for m in after[: len(before)]] == [
            m.identifier for m in before
        ]
        assert len(after) <= len(before) + 1, "one act, one message"
        before = after
    live = False
    for message in before:
        assert (message.kind is Kind.ALERT) == (not live)
        assert (message.kind is Kind.CANCEL) <= message.ended
        live = not message.ended
    case = life.cases["c1"]
    standing = case.stage is Stage.DECIDED and case.verdict is Verdict.CONFIRMED
    if case.stage in ENDED or (not fire and case.verdict is None):
        assert not live
    if standing and not fire:
        assert live
    sent = [message.sent for message in before]
    assert sent == sorted(sent)


def test_same_history_same_bytes():
    one, other = build(burn().confirm()), build(burn().confirm())
    assert [m.xml for m in one] == [m.xml for m in other]


def test_two_senders_share_no_identifier():
    other = Sender(id="other@forestry.example")
    life = burn()
    assert build(life)[0].identifier != build(life, other)[0].identifier


def test_simulated_alerts_are_exercises():
    sender = Sender(id="demo@forestry.example", simulated=frozenset({"p"}))
    (message,) = build(burn(), sender)
    assert find(message, "status") == ["Exercise"]
    assert "模拟" in find(message, "note")[0]
    assert find(message, "headline")[0].startswith("【模拟演练】")
    assert find(message, "headline")[1].startswith("[EXERCISE]")
    real = Sender(id="demo@forestry.example", simulated=frozenset({"other"}))
    assert find(build(burn(), real)[0], "status") == ["Actual"]


def test_two_languages_and_times_of_china():
    (message,) = build(burn())
    assert find(message, "language") == ["zh-CN", "en-US"]
    assert find(message, "sent") == ["2024-05-02T08:00:00+08:00"]
    assert find(message, "expires") == ["2024-05-03T08:00:00+08:00"] * 2
    assert "疑似火情" in find(message, "event")[0]


def test_names_notes_and_parcels_of_people_stay_within():
    life = burn().confirm().dismiss_later()
    for message in build(life):
        text = message.xml.decode()
        for private in ("某某", ">lin<", "韦", "林班"):
            assert private not in text


def test_county_is_named_and_coded():
    (message,) = build(burn())
    area = read(message).find(".//c:area", CAP)
    assert area is not None
    assert "武鸣区双桥镇" in find(message, "areaDesc")[0]
    assert area.findtext("c:geocode/c:valueName", namespaces=CAP) == "GB/T 2260"
    assert area.findtext("c:geocode/c:value", namespaces=CAP) == "450110"


def test_unknown_county_is_owned_up_to():
    life = lose_canopy().confirm()
    life.cases["c1"] = life.cases["c1"].patch(county=("", "", ""))
    (message,) = build(life)
    assert "县名不详" in find(message, "areaDesc")[0]
    assert "geocode" not in message.xml.decode()


# ---------------------------------------------------------------------- where


def test_polygon_is_latitude_first_closed_and_coarse():
    (message,) = build(lose_canopy().confirm())
    polygon = find(message, "polygon")[0].split()
    assert polygon[0] == polygon[-1]
    # Wuming lies at 23° north, 108° east.
    assert set(polygon) == {
        *("23.15,108.27", "23.16,108.27", "23.16,108.28", "23.15,108.28")
    }
    assert "0.01°" in find(message, "areaDesc")[0]


def test_exact_outline_where_it_is_asked_for():
    sender = Sender(id="alerts@forestry.example", exact=True)
    (message,) = build(lose_canopy().confirm(), sender)
    assert set(find(message, "polygon")[0].split()) == {
        *("23.151,108.272", "23.158,108.272", "23.158,108.278", "23.151,108.278")
    }
    assert "0.01°" not in message.xml.decode()


def test_parts_are_polygons_of_one_area():
    parts = MultiPolygon(
        [shapely.box(108, 23, 108.01, 23.01), shapely.box(109, 23, 109.01, 23.01)]
    )
    (message,) = build(Life(geometry=parts).night(Change.NEW).confirm())
    assert len(find(message, "polygon")) == 2 * 2
    assert len(find(message, "areaDesc")) == 2


def test_swapped_outline_is_refused():
    life = Life(geometry=shapely.box(23, 108, 23.1, 108.1)).night(Change.NEW)
    with pytest.raises(DataError, match="longitude first"):
        build(life.confirm())


# --------------------------------------------------------------------- schema

HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "]]><script>alert(1)</script>",
            "<![CDATA[x]]>",
            "&lt;&#0;&xxe;",
            "\x00\x08\x1b\ud800\ufffe",
            "<!--",
            "\u202egnp.exe",
            "a\r\nSubject: b",
        ]
    ),
)


@settings(max_examples=40)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_stays_text(schema, name, township, gate, contact):
    event = make_facts().event.patch(township=(township, township), satellites=(name,))
    life = burn(event=event, gate_zh=gate, gate_en=gate)
    case = life.cases["c1"]
    life.cases["c1"] = case.patch(county=(name, name, name), alert=name)
    sender = Sender(id="a@b.example", name=(name, gate), contact=contact)
    for message in build(life.confirm().dismiss_later(), sender):
        root = read(message)
        schema.assertValid(root)
        tags = {etree.QName(element).localname for element in root.iter()}
        assert "script" not in tags
        assert "\u202e" not in message.xml.decode()


@st.composite
def shapes(draw_from) -> BaseGeometry:
    """Anything between a speck and a continent, also over the antimeridian."""
    west = draw_from(st.floats(-181, 181))
    south = draw_from(st.floats(-89, 88))
    size = draw_from(st.sampled_from([1e-9, 1e-4, 0.02, 1.5]))
    corners = draw_from(
        st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=12)
    )
    return Polygon([(west + x * size, south + y * size / 2) for x, y in corners])


@settings(max_examples=40)
@given(shapes(), st.booleans())
def test_any_shape_is_valid_and_in_the_world(schema, shape, exact):
    life = Life(geometry=shape).night(Change.NEW).confirm()
    (message,) = build(life, Sender(id="a@b.example", exact=exact))
    schema.assertValid(read(message))
    for polygon in find(message, "polygon"):
        points = [tuple(map(float, p.split(","))) for p in polygon.split()]
        assert 4 <= len(points) <= 101
        assert points[0] == points[-1]
        assert all(abs(lat) <= 90 and abs(lon) <= 180 for lat, lon in points)


def test_every_kind_of_message_is_valid(schema):
    lives = [
        lose_canopy().confirm().night(Change.GROWN, grow=2).dismiss_later(),
        lose_canopy().confirm(Reason.SEEN_IN_FIELD).act(Close(case="c1"), WEI),
        Life(hazard=Hazard.CANOPY_STRESS).night(Change.NEW).confirm(),
        burn().verify(Outcome.FOREST_FIRE).night(Change.GROWN, grow=2),
        burn().verify(Outcome.STATIC_SOURCE),
        burn().night(Change.CLOSED),
    ]
    for life in lives:
        for message in build(life):
            schema.assertValid(read(message))


def test_schema_would_find_fault(schema):
    (message,) = build(burn())
    assert not schema.validate(
        etree.fromstring(message.xml.replace(b"08:00:00+08:00", b"00:00:00Z"))
    )


# --------------------------------------------------------------------- sender


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a<b", "a&b", "林业局", "a\n"])
def test_sender_that_cap_forbids_is_refused(name):
    with pytest.raises(ConfigurationError, match="sender"):
        Sender(id=name)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "ftp://x", "https://a b", "//x", "https://a/?q=<"]
)
def test_link_that_is_no_page_is_refused(link):
    with pytest.raises(ConfigurationError, match="link"):
        Sender(id="a@b.example", link=link)


def test_expiry_follows_the_hazard():
    (fire,), (canopy,) = build(burn()), build(lose_canopy().confirm())
    assert fire.expires - fire.sent == timedelta(hours=24)
    assert canopy.expires - canopy.sent == timedelta(days=30)

"""The feed of active alerts, as RFC 4287 asks."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]
from tests.publish.cases import START, WEI, Life, burn, lose_canopy

from agroforest.core.alert import Change
from agroforest.core.errors import DataError
from agroforest.core.review import Reason
from agroforest.publish.atom import NAMESPACE, build_feed
from agroforest.publish.cap import CapMessage, Sender, build_messages
from agroforest.publish.cap_folder import (
    FEED,
    keep_messages,
    publish,
    read_message,
)
from agroforest.review.commands import Approve, Close, Confirm, Pass

ATOM = {"a": NAMESPACE}
SENDER = Sender(
    id="alerts@forestry.example",
    name=("林业局", "Forestry bureau"),
    link="https://forestry.example/alerts",
)
LATER = START + timedelta(hours=12)


def read(life: Life, now: datetime = LATER, sender: Sender = SENDER):
    feed = build_feed(build_messages(life.history(), sender), sender, now, name="f")
    return etree.fromstring(feed)


def texts(root, path: str) -> list[str]:
    return [e.text for e in root.iterfind(path, ATOM)]


def check(root) -> None:
    """What RFC 4287 demands of a feed and of each entry (4.1.1, 4.1.2)."""
    names = [etree.QName(e).localname for e in root]
    for name in ("id", "title", "updated"):
        assert names.count(name) == 1
    assert names.count("author") >= 1
    entries = root.findall("a:entry", ATOM)
    ids = texts(root, "a:id") + texts(root, "a:entry/a:id")
    assert len(set(ids)) == len(ids)
    for value in ids:
        UUID(value.removeprefix("urn:uuid:"))
    for value in texts(root, ".//a:updated") + texts(root, ".//a:published"):
        assert datetime.fromisoformat(value).utcoffset() is not None
    for entry in entries:
        inner = [etree.QName(e).localname for e in entry]
        for name in ("id", "title", "updated", "summary"):
            assert inner.count(name) == 1
        alternates = entry.findall("a:link[@rel='alternate']", ATOM)
        assert [a.get("type") for a in alternates] == ["application/cap+xml"]


def test_entry_leads_to_each_message_of_its_alert():
    life = burn().confirm()
    first, second = build_messages(life.history(), SENDER)
    root = read(life)
    check(root)
    (entry,) = root.findall("a:entry", ATOM)
    links = {e.get("rel"): e.get("href") for e in entry.findall("a:link", ATOM)}
    assert links == {
        "alternate": f"https://forestry.example/alerts/{second.identifier}.xml",
        "related": f"https://forestry.example/alerts/{first.identifier}.xml",
    }
    assert texts(entry, "a:updated") == [second.sent.isoformat()]
    assert texts(entry, "a:published") == [first.sent.isoformat()]


def test_id_of_an_entry_stays():
    life = burn()
    before = texts(read(life), "a:entry/a:id")
    assert texts(read(life.confirm()), "a:entry/a:id") == before


@pytest.mark.parametrize(
    "end",
    [lambda life: life.dismiss_later(), lambda life: life.act(Close(case="c1"), WEI)],
)
def test_what_ended_is_gone_and_the_feed_says_when(end):
    life = lose_canopy().confirm()
    before = texts(read(life), "a:updated")
    root = read(end(life))
    check(root)
    assert root.findall("a:entry", ATOM) == []
    assert texts(root, "a:updated") > before


def test_what_expired_is_gone_and_the_feed_says_when():
    (message,) = build_messages(burn().history(), SENDER)
    root = read(burn(), message.expires + timedelta(days=9))
    assert root.findall("a:entry", ATOM) == []
    assert texts(root, "a:updated") == [message.expires.isoformat()]


def test_newest_alert_comes_first():
    life = lose_canopy().confirm().night(Change.NEW, name="c2")
    life.act(Pass(case="c2")).act(Confirm(case="c2", reason=Reason.SEEN_IN_IMAGES))
    life.act(Approve(case="c2"), WEI)
    first, second = (
        build_messages(life.history(name), SENDER) for name in ("c1", "c2")
    )
    for messages in ([*first, *second], [*second, *first]):
        root = etree.fromstring(build_feed(messages, SENDER, LATER))
        check(root)
        sent = texts(root, "a:entry/a:updated")
        assert sent == [second[0].sent.isoformat(), first[0].sent.isoformat()]


def test_empty_feed_is_a_feed():
    root = etree.fromstring(build_feed([], SENDER, LATER))
    check(root)


def test_simulated_feed_says_so():
    sender = Sender(id="demo@forestry.example", simulated=frozenset({"p"}))
    root = read(burn(), sender=sender)
    check(root)
    assert "模拟" in texts(root, "a:title")[0]
    assert "模拟" in texts(root, "a:entry/a:title")[0]
    (link,) = root.findall("a:entry/a:link", ATOM)
    assert link.get("href").endswith(".xml")


@settings(max_examples=40)
@given(st.text(max_size=20))
def test_hostile_names_stay_text(name):
    life = burn()
    life.cases["c1"] = life.cases["c1"].patch(county=("1", name, name))
    root = read(life, sender=Sender(id="a@b.example", name=(name, "<b>&")))
    check(root)
    assert root.find(".//a:b", ATOM) is None


def test_message_that_went_out_stays_as_it_was(tmp_path: Path):
    life = burn()
    out = tmp_path / "cap"
    (path,) = keep_messages(out, build_messages(life.history(), SENDER))
    before = path.read_bytes()
    life.cases["c1"] = life.cases["c1"].patch(area_ha=99.0)
    changed = build_messages(life.history(), SENDER)
    assert changed[0].xml != before
    assert keep_messages(out, changed) == ()
    assert path.read_bytes() == before
    assert (
        len(keep_messages(out, build_messages(life.confirm().history(), SENDER))) == 1
    )


def test_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "cap").write_text("a file")
    messages: tuple[CapMessage, ...] = build_messages(burn().history(), SENDER)
    with pytest.raises(DataError, match="cap"):
        keep_messages(tmp_path / "cap", messages)


def test_folder_holds_the_feed_and_what_it_leads_to(tmp_path: Path):
    life = burn()
    bad = lose_canopy().confirm()
    bad.cases["c1"] = bad.cases["c1"].patch(geometry=shapely.box(23, 108, 24, 109))
    for confirmed in (False, True):
        if confirmed:
            life.confirm()
        histories = [bad.history(), life.history()]
        assert len(publish(tmp_path, histories, SENDER, LATER)) == 1
        root = etree.fromstring((tmp_path / FEED).read_bytes())
        check(root)
        links = [e.get("href") for e in root.iterfind("a:entry/a:link", ATOM)]
        assert links
        for link in links:
            name = link.rpartition("/")[2].removesuffix(".xml")
            assert read_message(tmp_path, name) is not None
    assert publish(tmp_path, [life.history()], SENDER, LATER) == ()


@pytest.mark.parametrize(
    "name", ["", "../secret", "agroforest-x", "feed.atom", "a\x00"]
)
def test_no_other_file_is_read_as_a_message(tmp_path: Path, name):
    (tmp_path / "secret.xml").write_text("s")
    assert read_message(tmp_path / "cap", name) is None

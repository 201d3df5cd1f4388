"""Farmers are written to about the newest night, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.nightly.water.made import NIGHT, Farm

from agroforest.core.account import Account, Role
from agroforest.core.errors import SourceError
from agroforest.core.message import Message, News
from agroforest.nightly import review
from agroforest.store import open_store

NOW = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 18, tzinfo=UTC)
_DESK = """
pipelines = ["pipeline.toml"]
[notify.channels.office]
kind = "mail"
url_env = "OFFICE_MAIL"
sender = "desk@example.cn"
"""


@pytest.fixture
def told(farm: Farm) -> Farm:
    """A dry farm whose first field is somebody's, and a desk with a channel."""
    (farm.folder / "desk.toml").write_text(_DESK, encoding="utf-8")
    text = farm.path.read_text(encoding="utf-8")
    farm.path.write_text(f'desk = "desk.toml"\n{text}', encoding="utf-8")
    farm.work.mkdir(exist_ok=True)
    contacts = {"office": "feng@example.cn"}
    with open_store(farm.work / "agroforest.db") as store:
        for name, parcels in {"feng": ("p1",), "other": ("p9",)}.items():
            store.desk.add_account(
                Account(
                    name=name,
                    title=name,
                    role=Role.FARMER,
                    created=NOW,
                    contacts=contacts,
                    parcels=parcels,
                )
            )
    return farm


def _messages(farm: Farm) -> list[Message]:
    with open_store(farm.work / "agroforest.db") as store:
        return store.desk.messages()


def test_a_night_writes_farmers_what_it_advises_and_only_once(told: Farm) -> None:
    first = NIGHT - timedelta(days=1)
    told.run(first, NIGHT, now=NOW)
    (message,) = _messages(told)
    assert (message.account, message.news) == ("feng", News.ADVICE)
    assert message.subject == "parcel:p1"
    facts: dict[str, Any] = dict(message.facts)
    assert str(NIGHT) in str(facts)  # of many nights the newest alone
    told.run(NIGHT, now=NOW)
    assert _messages(told) == [message]


@pytest.mark.parametrize("now", [None, NOW + timedelta(days=30)])
def test_nights_of_the_past_write_nobody(told: Farm, now: datetime | None) -> None:
    told.run(NIGHT, now=now)
    assert _messages(told) == []


def test_a_fault_of_the_desk_spoils_no_night(
    told: Farm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise SourceError("the database", "is gone", "try again")

    monkeypatch.setattr(review, "tell_farmers", fail)
    (outcome,) = told.run(NIGHT, now=NOW)
    assert not outcome.failed
    assert "not written to farmers" in caplog.text

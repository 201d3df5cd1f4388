"""The page behind a message's link."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.notify.people import make_message
from tests.web.desks import Desk, open_desk

from agroforest.core.message import Message
from agroforest.notify.acknowledge import KEY_FILE, PATH, read_key, sign


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path, alerts=[]) as opened:
        yield opened


@pytest.fixture
def message(desk: Desk) -> Message:
    made = make_message(account="rui", subject="case-of-somebody")
    desk.store.desk.add_messages([made])
    return made


@pytest.fixture
def path(tmp_path: Path, message: Message) -> str:
    return PATH + sign(read_key(tmp_path / KEY_FILE), message.key)


def is_read(desk: Desk, message: Message) -> bool:
    kept = desk.store.desk.message(message.key)
    assert kept is not None
    return kept.acknowledged is not None


def test_opening_a_link_changes_nothing(
    desk: Desk, message: Message, path: str
) -> None:
    for _ in range(3):
        page = desk.visitor().get(path)
        assert page.status_code == 200
        assert "I have read it" in page.text or "我已读到" in page.text
        assert page.headers["cache-control"] == "no-store"
    assert not is_read(desk, message)


def test_the_button_notes_it_once_without_a_log_in(
    desk: Desk, message: Message, path: str
) -> None:
    visitor = desk.visitor()
    assert visitor.post(path, page=path).status_code == 200
    assert is_read(desk, message)
    again = desk.visitor().get(path)
    assert again.status_code == 200
    assert 'class="main"' not in again.text
    (entry,) = desk.store.desk.deeds(what="message.read")
    assert entry.entry.after["account"] == "rui"
    assert entry.entry.subject == message.subject
    # Asked again by whoever still has the page open: noted already.
    visitor.post(path, page="/login")
    assert len(desk.store.desk.deeds(what="message.read")) == 1


def test_a_page_elsewhere_cannot_press_it(
    desk: Desk, message: Message, path: str
) -> None:
    answer = desk.visitor().client.post(path, data={})
    assert answer.status_code == 403
    assert not is_read(desk, message)


def test_it_shows_no_case(desk: Desk, path: str) -> None:
    page = desk.visitor().get(path)
    for secret in ("of-somebody", "武鸣", "Wuming", "108.3", "rui@"):
        assert secret not in page.text


@pytest.mark.parametrize(
    "token",
    ["x", "a" * 32, "%00", "..%2f..%2fqueue", "<script>alert(1)</script>", "é" * 32],
)
def test_a_link_that_nobody_signed(desk: Desk, token: str) -> None:
    visitor = desk.visitor()
    assert visitor.get(PATH + token).status_code == 404
    assert visitor.post(PATH + token, page="/login").status_code == 404
    assert "<script>alert" not in visitor.get(PATH + token).text


def test_a_signed_link_of_a_message_that_is_gone(desk: Desk, tmp_path: Path) -> None:
    token = sign(read_key(tmp_path / KEY_FILE), "ab" * 12)
    assert desk.visitor().get(PATH + token).status_code == 404

"""The mailbox of the demonstration: what is sent to it is there, and harms nobody."""

from datetime import UTC, datetime

import pytest
import requests

from agroforest.notify.channels import open_channel
from agroforest.notify.settings import ChannelSection, Kind
from agroforest.notify.trial import write_trial
from agroforest.testing.mailbox import Mailbox, serve_mailbox

pytestmark = pytest.mark.enable_socket
NOW = datetime(2025, 1, 1, tzinfo=UTC)


def test_letters_and_posts_are_kept_and_shown() -> None:
    with serve_mailbox() as box:
        environ = {"MAIL": box.smtp, "HOOK": box.hook}
        mail = ChannelSection(kind=Kind.MAIL, url_env="MAIL", sender="desk@example.cn")
        hook = ChannelSection(kind=Kind.WEBHOOK, url_env="HOOK")
        outgoing = write_trial(to="li@example.cn", language="zh", now=NOW)
        open_channel("mail", mail, environ).send(outgoing)
        for _ in range(2):
            open_channel("hook", hook, environ).send(outgoing)
        (letter,) = box.letters
        assert letter["To"] == "li@example.cn"
        assert list(box.posts) == [outgoing.key]
        answer = requests.get(box.url, timeout=10)
        assert answer.status_code == 200
        assert "li@example.cn" in answer.text
        assert outgoing.key in answer.text


def test_what_comes_is_shown_and_not_obeyed() -> None:
    bad = "<script>alert(1)</script>"
    with serve_mailbox() as box:
        requests.post(box.hook, json={"text": bad}, timeout=10).raise_for_status()
        assert requests.post(box.hook, data=b"[", timeout=10).status_code == 422
        answer = requests.get(box.url, timeout=10)
        assert bad not in answer.text
        assert "script" not in answer.headers["Content-Security-Policy"]
        foreign = requests.get(box.url, headers={"Host": "evil.example"}, timeout=10)
        assert foreign.status_code == 400


def test_only_the_newest_are_kept() -> None:
    box = Mailbox()
    for number in range(600):
        box.keep_post(str(number), {})
    assert len(box.posts) == 500
    assert "599" in box.posts

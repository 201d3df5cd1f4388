"""Every kind of channel against a server that counts."""

import base64
import hashlib
import hmac
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.notify.servers import Hook, Mailbox, serve_hook, serve_mail

from agroforest.core.errors import ConfigurationError, DataError, SourceError
from agroforest.notify.channel import Channel, Outgoing
from agroforest.notify.channels import open_channel, open_channels
from agroforest.notify.settings import ChannelSection, NotifySection

pytestmark = [
    pytest.mark.enable_socket,
    # apprise asks for it, where it is there.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serve_mail() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with serve_hook() as served:
        yield served


def make_channel(address: str, secret: str = "", **section: Any) -> Channel:
    given = {"url_env": "URL", "timeout_s": 2, **section}
    if secret:
        given["secret_env"] = "SECRET"  # noqa: S105  the name of a variable
    made = ChannelSection.model_validate(given)
    return open_channel("duty", made, {"URL": address, "SECRET": secret})


def make_outgoing(**changes: Any) -> Outgoing:
    given: dict[str, Any] = {
        "key": "a" * 24,
        "to": "wei@example.cn",
        "case": "c1",
        "subject": "疑似火情 · 武鸣区",
        "body": "请到现场核实。\n确认已读：https://desk.example.cn/a/x",
        "language": "zh",
        "link": "https://desk.example.cn/a/x",
        "created": 1_714_708_800.0,
    }
    return Outgoing(**{**given, **changes})


# ------------------------------------------------------------------------ mail


def make_mail(box: Mailbox, user: str = "") -> Channel:
    return make_channel(
        f"smtp://{user}127.0.0.1:{box.port}", kind="mail", sender="desk@example.cn"
    )


def test_a_letter_arrives_whole(mailbox: Mailbox) -> None:
    make_mail(mailbox).send(make_outgoing())
    (letter,) = mailbox.letters
    # Blanks that do not break stay blanks, however the header is folded.
    assert letter["Subject"].split() == ["疑似火情", "·", "武鸣区"]
    assert letter["To"] == "wei@example.cn"
    assert letter["From"] == "desk@example.cn"
    assert letter["Message-ID"] == f"<{'a' * 24}@example.cn>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"] == "Fri, 03 May 2024 04:00:00 +0000"
    assert letter.get_content().splitlines() == make_outgoing().body.splitlines()


def test_a_long_subject_keeps_its_blanks(mailbox: Mailbox) -> None:
    subject = "【模拟】已核实 · 高东县 · confirmed 3.1 ha 林班 " * 3
    make_mail(mailbox).send(make_outgoing(subject=subject))
    (letter,) = mailbox.letters
    assert letter["Subject"].split() == subject.split()


def test_a_letter_sent_again_is_the_same_letter(mailbox: Mailbox) -> None:
    channel = make_mail(mailbox)
    for _ in range(2):
        channel.send(make_outgoing())
    first, second = mailbox.letters
    assert first.as_bytes() == second.as_bytes()


@pytest.mark.parametrize(
    ("to", "answers", "error"),
    [
        ("nobody@example.cn", [], DataError),
        ("full@example.cn", [], SourceError),
        ("wei@example.cn", ["451 try later"], SourceError),
        ("wei@example.cn", ["554 refused"], DataError),
        ("wei@example.cn\r\nRCPT TO:<all@example.cn>", [], DataError),
        ("wei@example.cn, all@example.cn", [], DataError),
        ("<wei@example.cn>", [], DataError),
        ("", [], DataError),
    ],
)
def test_mail_that_is_not_taken(
    mailbox: Mailbox, to: str, answers: list[str], error: type[Exception]
) -> None:
    mailbox.answers += answers
    with pytest.raises(error):
        make_mail(mailbox).send(make_outgoing(to=to))
    assert mailbox.letters == []


def test_a_mail_server_that_asks_for_no_password_gets_none(mailbox: Mailbox) -> None:
    # It offers no log-in: the operator's mistake, which is mended and not lost.
    with pytest.raises(SourceError) as raised:
        make_mail(mailbox, "desk:s3cret@").send(make_outgoing())
    assert "s3cret" not in str(raised.value)


def test_a_mail_server_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    channel = make_channel(f"smtp://127.0.0.1:{port}", kind="mail", sender="d@e.cn")
    with pytest.raises(SourceError, match="did not answer"):
        channel.send(make_outgoing())


def test_a_mail_server_that_never_answers() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"smtp://127.0.0.1:{mute.getsockname()[1]}"
        channel = make_channel(address, kind="mail", sender="d@e.cn", timeout_s=0.2)
        with pytest.raises(SourceError, match="did not answer"):
            channel.send(make_outgoing())


# --------------------------------------------------------------------- webhooks


def test_a_webhook_gets_an_object_with_the_key_of_the_message(hook: Hook) -> None:
    make_channel(hook.address, kind="webhook").send(make_outgoing())
    (posted,) = hook.posts
    assert hook.keys == ["a" * 24]
    assert posted.body == {
        "key": "a" * 24,
        "to": "wei@example.cn",
        "case": "c1",
        "subject": "疑似火情 · 武鸣区",
        "text": make_outgoing().whole,
        "language": "zh",
        "link": "https://desk.example.cn/a/x",
    }
    assert "x-agroforest-signature" not in posted.headers


def test_a_webhook_with_a_secret_is_signed(hook: Hook) -> None:
    make_channel(hook.address, "geheim", kind="webhook").send(make_outgoing())
    (posted,) = hook.posts
    moment = posted.headers["x-agroforest-timestamp"]
    assert abs(int(moment) - time.time()) < 60
    seal = hmac.new(b"geheim", f"{moment}.".encode() + posted.raw, hashlib.sha256)
    assert posted.headers["x-agroforest-signature"] == f"sha256={seal.hexdigest()}"


def test_a_template_is_filled_in_once(hook: Hook) -> None:
    template = {"phone": ["$to"], "p": {"text": "$subject / $body"}, "n": 3, "x": "$y"}
    channel = make_channel(hook.address, kind="sms-webhook", template=template)
    channel.send(make_outgoing(to="13800000000", subject="$key", body='"}$to'))
    assert hook.posts[0].body == {
        "phone": ["13800000000"],
        "p": {"text": '$key / "}$to'},
        "n": 3,
        "x": "$y",
    }


@pytest.mark.parametrize("to", ["", "abc", "138 0000 0000", "1380000\n", "+" * 9])
def test_text_messages_go_to_numbers_alone(hook: Hook, to: str) -> None:
    channel = make_channel(hook.address, kind="sms-webhook", template={"to": "$to"})
    with pytest.raises(DataError, match="no telephone number"):
        channel.send(make_outgoing(to=to))
    assert hook.posts == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((400, DataError), (413, DataError), (422, DataError)),
        *((401, SourceError), (403, SourceError), (404, SourceError)),
        *((429, SourceError), (500, SourceError), (503, SourceError)),
        *((301, SourceError), (302, SourceError), (307, SourceError)),
    ],
)
def test_a_webhook_that_does_not_take_it(
    hook: Hook, status: int, error: type[Exception]
) -> None:
    hook.answers.append((status, b""))
    with pytest.raises(error, match=f"HTTP {status}"):
        make_channel(hook.address, kind="webhook").send(make_outgoing())
    # A redirect is not followed.
    assert [each.path for each in hook.posts] == ["/"]


def test_an_answer_may_say_that_it_was_not_taken(hook: Hook) -> None:
    section: dict[str, Any] = {
        "kind": "sms-webhook",
        "template": {"to": "$to"},
        "reply_field": "Code",
        "reply_value": "OK",
    }
    channel = make_channel(hook.address, **section)
    hook.reply = b'{"Code": "isv.BUSINESS_LIMIT_CONTROL"}'
    with pytest.raises(SourceError, match=r"isv\.BUSINESS"):
        channel.send(make_outgoing(to="13800000000"))
    hook.reply = b'{"Code": "OK"}'
    channel.send(make_outgoing(to="13800000000"))


def test_an_answer_that_trickles_is_cut_short(hook: Hook) -> None:
    hook.trickle = True
    started = time.monotonic()
    make_channel(hook.address, kind="webhook", timeout_s=0.3).send(make_outgoing())
    assert time.monotonic() - started < 10  # the server goes on for twenty


def test_a_webhook_that_hangs(hook: Hook) -> None:
    hook.hang = threading.Event()
    with pytest.raises(SourceError, match="did not answer"):
        make_channel(hook.address, kind="webhook", timeout_s=0.2).send(make_outgoing())
    hook.hang.set()


def test_errors_do_not_show_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    channel = make_channel(f"http://127.0.0.1:{port}/s3cret", kind="webhook")
    with pytest.raises(SourceError) as raised:
        channel.send(make_outgoing())
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


# ----------------------------------------------------------------------- robots


def test_robots_post_plain_text(hook: Hook) -> None:
    for kind in ("wecom", "dingtalk", "feishu"):
        make_channel(hook.address, kind=kind).send(make_outgoing(to="group"))
    wecom, dingtalk, feishu = (each.body for each in hook.posts)
    whole = make_outgoing().whole
    assert wecom == {"msgtype": "text", "text": {"content": whole}}
    assert dingtalk == {
        "msgtype": "text",
        "text": {"content": whole},
        "at": {"atMobiles": [], "isAtAll": False},
    }
    assert feishu == {"msg_type": "text", "content": {"text": whole}}


def test_robots_mention_a_number(hook: Hook) -> None:
    for kind in ("wecom", "dingtalk"):
        make_channel(hook.address, kind=kind).send(make_outgoing(to="13800000000"))
    wecom, dingtalk = (each.body for each in hook.posts)
    assert wecom["text"]["mentioned_mobile_list"] == ["13800000000"]
    assert dingtalk["at"]["atMobiles"] == ["13800000000"]


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
@pytest.mark.parametrize(
    "reply",
    [
        b'{"errcode": 45009, "errmsg": "api freq out of limit"}',
        b'{"code": 9499, "msg": "Bad Request", "data": {}}',
        b"<html>captive portal</html>",
        b"[1]",
        b"{}",
    ],
)
def test_a_robot_that_answers_200_and_refuses_is_tried_again(
    hook: Hook, kind: str, reply: bytes
) -> None:
    hook.reply = reply
    with pytest.raises(SourceError):
        make_channel(hook.address, kind=kind).send(make_outgoing())


def test_a_text_that_wecom_never_takes(hook: Hook) -> None:
    hook.reply = b'{"errcode": 40058}'
    with pytest.raises(DataError, match="code 40058"):
        make_channel(hook.address, kind="wecom").send(make_outgoing())


def test_dingtalk_is_signed_in_the_query(hook: Hook) -> None:
    address = f"{hook.address}/robot/send?access_token=t"
    make_channel(address, "SECabc", kind="dingtalk").send(make_outgoing())
    query = parse_qs(urlsplit(hook.posts[0].path).query)
    stamp = query["timestamp"][0]
    seal = hmac.new(b"SECabc", f"{stamp}\nSECabc".encode(), hashlib.sha256)
    assert query["sign"] == [base64.b64encode(seal.digest()).decode()]
    assert query["access_token"] == ["t"]


def test_feishu_is_signed_in_the_body(hook: Hook) -> None:
    make_channel(hook.address, "abc", kind="feishu").send(make_outgoing())
    body = hook.posts[0].body
    seal = hmac.new(f"{body['timestamp']}\nabc".encode(), b"", hashlib.sha256)
    assert body["sign"] == base64.b64encode(seal.digest()).decode()


def test_short_forms_keep_the_case_of_tokens() -> None:
    robot = make_channel("dingtalk://SECx@aBcD", kind="dingtalk")
    kept = vars(robot).values()
    assert "https://oapi.dingtalk.com/robot/send?access_token=aBcD" in kept
    assert "SECx" in kept
    with pytest.raises(ConfigurationError, match="token"):
        make_channel("wecombot://a/b?c", kind="wecom")


# ---------------------------------------------------------------------- apprise


def test_apprise_reaches_what_it_knows(hook: Hook) -> None:
    channel = make_channel(f"json://127.0.0.1:{hook.port}/{{to}}", kind="apprise")
    channel.send(make_outgoing(to="wei"))
    (posted,) = hook.posts
    assert posted.path == "/wei"
    assert posted.body["title"] == "疑似火情 · 武鸣区"
    assert posted.body["message"] == make_outgoing().body


def test_apprise_follows_no_redirect_and_tries_again(hook: Hook) -> None:
    channel = make_channel(f"json://127.0.0.1:{hook.port}/", kind="apprise")
    hook.answers.append((307, b""))
    with pytest.raises(SourceError):
        channel.send(make_outgoing())
    assert [each.path for each in hook.posts] == ["/"]


@pytest.mark.parametrize("to", ["../x", "a/b", "a?b=c", "a b", "x\n", "@@/"])
def test_an_account_cannot_change_where_apprise_goes(hook: Hook, to: str) -> None:
    channel = make_channel(f"json://127.0.0.1:{hook.port}/{{to}}", kind="apprise")
    with pytest.raises(DataError):
        channel.send(make_outgoing(to=to))
    assert hook.posts == []


# ---------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("webhook", "ftp://example.cn/x"),
        ("webhook", "http://example.cn/s3cret"),
        ("webhook", "https://[bad"),
        ("webhook", "s3cret"),
        ("wecom", "http://example.cn/s3cret"),
        ("mail", "https://example.cn/s3cret"),
        ("mail", "smtp://s3cret@:99999"),
        ("apprise", "s3cret"),
    ],
)
def test_an_address_that_cannot_be_is_refused_and_not_shown(
    kind: str, address: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_channel(address, kind=kind, sender="desk@example.cn")
    assert "s3cret" not in str(raised.value)


def test_a_channel_without_its_secret_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOK", "https://example.cn/x")
    monkeypatch.delenv("GONE", raising=False)
    settings = NotifySection.model_validate(
        {
            "channels": {
                "gone": {"kind": "webhook", "url_env": "GONE"},
                "hook": {"kind": "webhook", "url_env": "HOOK"},
            }
        }
    )
    opened, lacking = open_channels(settings)
    assert set(opened) == {"hook"}
    assert lacking == ["channel gone: has no address or secret; put it into GONE"]


def test_without_apprise_only_its_channels_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "agroforest.notify.services", raising=False)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigurationError, match=r"agroforest\[notify\]"):
        make_channel("json://127.0.0.1", kind="apprise")
    make_channel("https://example.cn/x", kind="webhook")

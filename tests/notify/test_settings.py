"""``[notify]``: what is refused, and that no secret is shown."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agroforest.core.config import read_settings
from agroforest.core.errors import ConfigurationError
from agroforest.core.risk import Hazard
from agroforest.notify import settings
from agroforest.notify.settings import (
    LIMITS,
    ChannelSection,
    Kind,
    NotifySection,
    RetrySection,
)

_MAIL = {"kind": "mail", "url_env": "MAIL", "sender": "desk@example.cn"}


def test_the_manual_s_example_is_read() -> None:

    text = (settings.__doc__ or "").split("::", 1)[1]
    found = NotifySection.model_validate(tomllib.loads(text)["notify"])
    assert set(found.channels) == {"mail", "duty-room"}
    assert found.escalate[Hazard.ACTIVE_FIRE].after_minutes == 30


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"time_zone": "../etc/passwd"}, "no time zone"),
        ({"link": "desk.example.cn"}, "no address"),
        ({"link": "javascript:alert(1)"}, "no address"),
        ({"link": "https://desk.example.cn/?x=1"}, "leave user and query out"),
        ({"link": "https://desk.example.cn/" + "a" * 40}, "at most 40"),
        ({"lease_s": 120, "channels": {"mail": _MAIL}}, "lease_s must be longer"),
        ({"escalate": {"flood": {}}}, "Input should be"),
        ({"escalate": {"active-fire": {"to": ["farmer"]}}}, "farmer cannot act"),
        ({"escalate": {"active-fire": {"to": ["admin", "admin"]}}}, "twice"),
        ({"digest_at": "18:00:00+08:00"}, "write local time"),
        ({"channels": {"Mail": _MAIL}}, "pattern"),
        ({"typo": 1}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        NotifySection.model_validate(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "mail", "url_env": "MAIL"}, "needs sender"),
        ({"kind": "pigeon", "url_env": "X"}, "Input should be"),
        ({"kind": "wecom", "url_env": "X", "secret_env": "Y"}, "not signed"),
        ({"kind": "sms-webhook", "url_env": "X"}, "needs template"),
        ({"kind": "wecom", "url_env": "X", "template": {"a": "b"}}, "template is for"),
        ({"kind": "webhook", "url_env": "X", "reply_field": "Code"}, "give both"),
        ({"kind": "wecom", "url_env": "X", "limit": 100}, "no message would fit"),
    ],
)
def test_channels_that_cannot_be(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ChannelSection.model_validate(wrong)


@pytest.mark.parametrize(
    "line",
    [
        'url_env = "smtps://desk:s3cret@example.cn"',
        'url = "smtps://desk:s3cret@example.cn"',
        'url_env = "MAIL"\npassword = "s3cret"',
        'url_env = "MAIL"\nsecret_env = "s3cret!"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(
    tmp_path: Path, line: str
) -> None:
    path = tmp_path / "notify.toml"
    path.write_text(f'[channels.mail]\nkind = "mail"\nsender = "a@b.cn"\n{line}\n')
    with pytest.raises(ConfigurationError) as raised:
        read_settings(path, NotifySection, manual="docs/messages.md")
    assert "s3cret" not in str(raised.value)
    assert "environment variable" in str(raised.value)


def test_every_kind_has_a_limit_or_none_on_purpose() -> None:
    assert LIMITS.keys() == set(Kind)
    assert LIMITS[Kind.WECOM] == 2048
    assert LIMITS[Kind.SMS] == 2


@given(
    first=st.floats(1, 1000),
    factor=st.floats(1, 10),
    longest=st.floats(1, 86_400),
    attempts=st.integers(1, 100),
    jitter=st.floats(0, 1),
)
def test_waits_grow_up_to_the_longest(
    first: float, factor: float, longest: float, attempts: int, jitter: float
) -> None:
    retry = RetrySection(first_s=first, factor=factor, longest_s=longest)
    one = retry.wait(attempts, jitter).total_seconds()
    next_one = retry.wait(attempts + 1, jitter).total_seconds()
    assert 0 < one <= next_one * (1 + 1e-6)
    assert next_one <= 1.5 * longest * (1 + 1e-6)
    assert one >= min(first, longest) * (1 - 1e-6)

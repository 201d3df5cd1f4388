"""Settings of messages: ``[notify]`` of the desk's file.

::

    [notify]
    time_zone = "Asia/Shanghai"
    link = "https://desk.example.cn"      # no links in messages unless given
    digest_at = 18:00:00
    simulated = false

    [notify.escalate.active-fire]
    after_minutes = 30
    to = ["supervisor", "admin"]          # one after the other

    [notify.retry]
    tries = 8
    first_s = 30
    longest_s = 3600

    [notify.channels.mail]
    kind = "mail"
    url_env = "AGROFOREST_MAIL"           # smtps://user:password@host:465
    sender = "desk@example.cn"

    [notify.channels.duty-room]
    kind = "dingtalk"
    url_env = "AGROFOREST_DINGTALK"       # the address that the robot's page shows
    secret_env = "AGROFOREST_DINGTALK_SECRET"
"""

import math
import re
from collections.abc import Mapping
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from agroforest.core.account import Role
from agroforest.core.risk import Hazard
from agroforest.core.sections import Section

#: Longest address of the desk in a message: with the token and the shortest text it
#: still fits into two parts of an SMS.
LINK_LENGTH = 40
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_INLINE = {"url", "secret", "password", "token", "key"}
_Seconds = Annotated[float, Field(gt=0, le=600)]
_Template = dict[str, Any]


class Kind(StrEnum):
    """What a channel is."""

    MAIL = "mail"
    WECOM = "wecom"  #: robot of a group, 企业微信
    DINGTALK = "dingtalk"  #: robot of a group, 钉钉
    FEISHU = "feishu"  #: robot of a group, 飞书
    WEBHOOK = "webhook"  #: a JSON object, posted
    SMS = "sms-webhook"  #: text messages by an operator's HTTP interface
    APPRISE = "apprise"  #: whatever else apprise knows


#: Longest text, bytes of UTF-8; of SMS, parts. WeCom: developer.work.weixin.qq.com,
#: group robots, 2048 bytes. DingTalk: open.dingtalk.com, custom robots, 20,000 bytes
#: a request. Feishu: open.feishu.cn, custom bots, 20 KB a request. Both requests hold
#: more than the text, and JSON makes quotes and line ends longer.
LIMITS: Mapping[Kind, int | None] = {
    Kind.MAIL: None,
    Kind.WECOM: 2048,
    Kind.DINGTALK: 18_000,
    Kind.FEISHU: 18_000,
    Kind.WEBHOOK: None,
    Kind.SMS: 2,
    Kind.APPRISE: None,
}
#: Smallest limit that the shortest text with link and disclaimer fits in.
_LEAST_BYTES, _LEAST_PARTS = 320, 2
#: Answers that sending one message waits for at most: a mail has about as many.
_ANSWERS = 10
_ROBOTS = {Kind.WECOM, Kind.DINGTALK, Kind.FEISHU}
_SIGNED = {Kind.DINGTALK, Kind.FEISHU, Kind.WEBHOOK, Kind.SMS}


class ChannelSection(Section):
    """``[notify.channels.NAME]``: a way to reach people."""

    kind: Kind
    url_env: str
    """Environment variable that holds the address with its secrets."""
    secret_env: str | None = None
    """Environment variable of the key that requests are signed with."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Longest text, bytes; of SMS, parts. The service's own unless given."""
    timeout_s: _Seconds = 10.0
    """For each answer of the service."""
    urgent_only: bool = False
    """Whether it is for urgent messages alone."""
    insecure: bool = False
    """Allow an unencrypted connection beyond this machine."""
    sender: str = ""
    """Of mail: the address it comes from."""
    template: _Template = Field(default_factory=dict)
    """Of webhooks and SMS: the JSON object, with ``$to``, ``$text``, ``$subject``,
    ``$key``, ``$link`` and ``$language``."""
    reply_field: str = ""
    """Of webhooks and SMS: field of the answer that says whether it was taken."""
    reply_value: str = ""
    """What it says then."""

    @model_validator(mode="before")
    @classmethod
    def _names_variables(cls, document: object) -> object:
        """Refuse a secret in the file before a message could show it."""
        if isinstance(document, dict):
            for name in ("url_env", "secret_env"):
                written = document.get(name)
                if isinstance(written, str) and not _PLAIN.fullmatch(written):
                    raise ValueError(f"{name} is no name of an environment variable")
            inline = sorted(_INLINE & document.keys())
            if inline:
                raise ValueError(
                    f"{inline[0]} does not belong into this file: put it into an "
                    "environment variable and name that in url_env or secret_env"
                )
        return document

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind is Kind.MAIL and "@" not in self.sender:
            raise ValueError("mail needs sender, the address it comes from")
        if self.secret_env and self.kind not in _SIGNED:
            raise ValueError(f"{self.kind} is not signed: leave secret_env out")
        if self.template and self.kind not in {Kind.WEBHOOK, Kind.SMS}:
            raise ValueError("template is for webhook and sms-webhook")
        if self.kind is Kind.SMS and not self.template:
            raise ValueError('sms-webhook needs template, { phone = "$to", ... }')
        if bool(self.reply_field) != bool(self.reply_value):
            raise ValueError("give both reply_field and reply_value, or neither")
        least = _LEAST_PARTS if self.kind is Kind.SMS else _LEAST_BYTES
        if self.limit is not None and self.limit < least:
            raise ValueError(f"limit is less than {least}: no message would fit")
        return self

    @property
    def most(self) -> int | None:
        """Longest text, bytes or parts; ``None`` if any length is taken."""
        return LIMITS[self.kind] if self.limit is None else self.limit

    @property
    def is_group(self) -> bool:
        """Whether many people read it, so that no address is needed."""
        return self.kind in _ROBOTS


class RetrySection(Section):
    """``[notify.retry]``: what is done when a channel does not answer."""

    tries: Annotated[int, Field(ge=1, le=100)] = 8
    first_s: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    longest_s: Annotated[float, Field(gt=0, le=86_400)] = 3600.0

    def wait(self, attempts: int, jitter: float) -> timedelta:
        """Time until the next attempt.

        Parameters
        ----------
        attempts
            How often it was tried, from 1.
        jitter
            0..1; spreads messages that failed together over half the time more.
        """
        # In logarithms: many attempts of a large factor pass what a float can hold.
        power = math.log(self.first_s) + (attempts - 1) * math.log(self.factor)
        seconds = math.exp(min(power, math.log(self.longest_s)))
        return timedelta(seconds=seconds * (1 + jitter / 2))


class EscalationSection(Section):
    """``[notify.escalate.HAZARD]``: who is told when nobody has read a message."""

    after_minutes: Annotated[float, Field(ge=1, le=10_080)] = 30.0
    """Between one step and the next."""
    to: Annotated[tuple[Role, ...], Field(min_length=1)] = (
        *(Role.SUPERVISOR, Role.ADMIN),
    )
    """Roles, one after the other."""

    @field_validator("to")
    @classmethod
    def _can_act(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        if Role.FARMER in roles:
            raise ValueError("a farmer cannot act for the bureau: name other roles")
        if len(set(roles)) != len(roles):
            raise ValueError("names a role twice")
        return roles


class NotifySection(Section):
    """``[notify]``: messages to people."""

    time_zone: str = "Asia/Shanghai"
    """Of quiet hours, quotas, digests and times in texts."""
    link: Annotated[str, Field(max_length=LINK_LENGTH)] = ""
    """Where people reach the desk; without it messages hold no link."""
    simulated: bool = False
    """Whether nothing of it is real; every message then says so."""
    digest_at: time = time(18, 0)
    """When the day's digest is sent, local time."""
    before_verdict: tuple[Role, ...] = (
        *(Role.FARMER, Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN),
    )
    """Roles that are told of what no person has judged."""
    escalate: Mapping[Hazard, EscalationSection] = {
        Hazard.ACTIVE_FIRE: EscalationSection()
    }
    retry: RetrySection = RetrySection()
    lease_s: Annotated[float, Field(ge=120, le=86_400)] = 600.0
    """How long a message that is being sent is left to who sends it."""
    deadline_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """How long one round waits for the slowest channel."""
    channels: Mapping[_Name, ChannelSection] = {}

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone, such as Asia/Shanghai") from None
        return name

    @field_validator("link")
    @classmethod
    def _is_an_address(cls, link: str) -> str:
        if not link:
            return link
        parts = urlsplit(link)
        plain = link.isascii() and link.isprintable() and " " not in link
        if parts.scheme not in {"http", "https"} or not parts.netloc or not plain:
            raise ValueError("is no address, such as https://desk.example.cn")
        if parts.query or parts.fragment or parts.username:
            raise ValueError("has more than an address: leave user and query out")
        return link.rstrip("/")

    @field_validator("digest_at")
    @classmethod
    def _is_local(cls, at: time) -> time:
        if at.tzinfo is not None:
            raise ValueError("has a time zone: write local time")
        return at

    @model_validator(mode="after")
    def _lease_outlasts_the_round(self) -> Self:
        slowest = max((each.timeout_s for each in self.channels.values()), default=0)
        if self.lease_s < self.deadline_s + _ANSWERS * slowest:
            raise ValueError(
                "lease_s must be longer than deadline_s and ten times the longest "
                "timeout_s, or a message could be sent twice"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """Time zone."""
        return ZoneInfo(self.time_zone)

"""Messages on their way to people: what the outbox keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class Delivery(StrEnum):
    """How far a message is."""

    WAITING = "waiting"  #: to be sent, now or later
    SENDING = "sending"  #: handed to the channel; how that ended is not known yet
    SENT = "sent"
    FAILED = "failed"  #: tried as often as allowed
    DIGESTED = "digested"  #: its news went out within another message
    DROPPED = "dropped"  #: overtaken before it was sent; `error` says by what


class News(StrEnum):
    """What a message is about."""

    RAISED = "raised"  #: a new alert
    WORSE = "worse"  #: grown, or seen again
    CONFIRMED = "confirmed"  #: by a person
    CANCELLED = "cancelled"  #: dismissed by a person, after it was told
    ENDED = "ended"  #: no longer seen, or closed
    TASK = "task"  #: somebody shall go and look
    ADVICE = "advice"  #: irrigation, drought, heat, frost
    ESCALATED = "escalated"  #: nobody has read it in time
    DIGEST = "digest"  #: many in one
    MISSED = "missed"  #: nights are not run
    RESUMED = "resumed"  #: they are again


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message to one person over one channel.

    Attributes
    ----------
    key
        Unique: subject, state, account and channel; the same change is told once.
    subject
        Id of the case, or of a parcel and day.
    state
        What of it is told, ``raised`` or ``worse:2024-05-01``; part of the key.
    news
        What it is about.
    account, channel
        To whom, and over which channel of the desk's settings.
    created
        When it was decided, UTC.
    due
        Not sent before, UTC.
    urgent
        Whether quiet hours and quotas do not hold it back.
    facts
        What its text is made from, plain values; the text is made when it is sent, so
        that a digest can hold many.
    delivery
        How far it is.
    attempts
        How often it was handed to the channel.
    lease
        While it is being sent: until when nobody else may try, UTC.
    sent
        When the channel took it, UTC.
    acknowledged
        When a person followed its link, UTC.
    error
        Why the last attempt failed, or why it is not sent.
    """

    key: str
    subject: str
    state: str
    news: News
    account: str
    channel: str
    created: datetime
    due: datetime
    urgent: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    delivery: Delivery = Delivery.WAITING
    attempts: int = 0
    lease: datetime | None = None
    sent: datetime | None = None
    acknowledged: datetime | None = None
    error: str = ""

    def patch(self, **changes: object) -> "Message":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

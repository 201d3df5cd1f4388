"""Ways to reach people, behind one protocol.

A channel reaches what the operator's settings name, and nothing else: an account's
address is a mailbox or a number, never where a request goes.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message in words on its way over a channel.

    Attributes
    ----------
    key
        Of the message; the same whenever it is sent again.
    to
        The person's address on this channel, as their account says.
    case
        What it is about.
    subject, body
        In words, as long as the channel takes.
    language
        ``zh`` or ``en``.
    link
        Address that acknowledges it, empty for none.
    created
        Seconds since 1970, when it was decided.
    """

    key: str
    to: str
    case: str
    subject: str
    body: str
    language: str
    link: str
    created: float

    @property
    def whole(self) -> str:
        """Subject and body, for channels without a subject."""
        return f"{self.subject}\n{self.body}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A channel took a message.

    Attributes
    ----------
    detail
        What it said, for the record; no secret.
    """

    detail: str = ""


class Channel(Protocol):
    """A way to reach people."""

    def send(self, outgoing: Outgoing) -> Receipt:
        """Hand a message over.

        Raises
        ------
        SourceError
            It was not taken, and may be later.
        DataError
            It will never be taken: no such person, a text that is refused.
        """
        ...

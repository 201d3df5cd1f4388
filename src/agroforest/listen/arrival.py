"""A message as it came in, before anybody has looked inside."""

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

#: Of a message that is longer than allowed, so many bytes are kept. Arbitrary.
HEAD_BYTES = 4096

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Microseconds since 1970, bytes the sender sent, bytes of the source's name.
_FIELDS = struct.Struct("<qQH")
_LONGEST_SOURCE = 2048


class Position(NamedTuple):
    """A place in a spool; later messages have greater ones.

    Attributes
    ----------
    segment
        Number of the file.
    byte
        Offset in it.
    """

    segment: int
    byte: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One message, verbatim.

    Attributes
    ----------
    received
        When it came, by this machine's clock, UTC.
    source
        How it came: ``mqtt/BROKER/TOPIC`` or ``http/PATH``.
    payload
        Its bytes; only the first ones if there were more than `size` allows.
    size
        Bytes the sender sent.
    """

    received: datetime
    source: str
    payload: bytes
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether every byte was kept."""
        return len(self.payload) == self.size

    @property
    def sha256(self) -> str:
        """Digest of the bytes that were kept."""
        return hashlib.sha256(self.payload).hexdigest()


def build_arrival(
    source: str, payload: bytes, *, received: datetime, limit: int, size: int = 0
) -> Arrival:
    """Build an arrival, cutting a message of more than `limit` bytes to its head.

    Parameters
    ----------
    source, payload, received
        As in `Arrival`.
    limit
        Longest message that is kept whole, bytes.
    size
        Bytes the sender announced, where `payload` is only the first of them.
    """
    sent = max(size, len(payload))
    kept = payload if sent <= limit and sent == len(payload) else payload[:HEAD_BYTES]
    return Arrival(received=received, source=source, payload=kept, size=sent)


def encode_arrival(arrival: Arrival) -> bytes:
    """Bytes of an arrival, as a spool keeps them."""
    source = arrival.source.encode("utf-8", "replace")[:_LONGEST_SOURCE]
    microseconds = (arrival.received - _EPOCH) // _MICROSECOND
    fields = _FIELDS.pack(microseconds, arrival.size, len(source))
    return b"".join((fields, source, arrival.payload))


def decode_arrival(body: bytes) -> Arrival:
    """Arrival of the bytes that `encode_arrival` gave.

    Raises
    ------
    ValueError
        They are none.
    """
    try:
        microseconds, size, length = _FIELDS.unpack_from(body)
        received = _EPOCH + timedelta(microseconds=microseconds)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a record of {len(body)} bytes is no message") from error
    start = _FIELDS.size + length
    source = body[_FIELDS.size : start].decode("utf-8", "replace")
    return Arrival(received=received, source=source, payload=body[start:], size=size)

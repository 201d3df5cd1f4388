"""What a server answered to the request for a range, and whether to believe it."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from agroforest.cube.limits import Limits, Tally

_CHUNK = 64 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_LENGTH = re.compile(r"\d{1,18}")
_SECONDS = re.compile(r"\d{1,6}")


class PassingError(Exception):
    """A fault after which the same request is worth repeating.

    Parameters
    ----------
    reason
        In a few words, without an address.
    reached
        Where the next attempt has to begin; None is where this one did.
    wait
        Seconds that the server asks for.
    """

    def __init__(
        self, reason: str, *, reached: int | None = None, wait: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.reached = reached
        self.wait = wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """What tells one version of a remote file from another.

    Attributes
    ----------
    size
        Bytes.
    etag, modified
        As the server states them, if it does.
    """

    size: int
    etag: str | None
    modified: str | None

    def differs(self, other: "Version") -> bool:
        """Whether the two cannot be of the same file."""
        if self.size != other.size:
            return True
        if self.etag and other.etag:
            return self.etag != other.etag
        dated = bool(self.modified and other.modified)
        return dated and self.modified != other.modified

    @property
    def condition(self) -> str | None:
        """Value of ``If-Range``, which must be strong (RFC 9110, 13.1.5)."""
        if self.etag and not self.etag.startswith("W/"):
            return self.etag
        return self.modified


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Which bytes of which file an answer says it holds.

    Attributes
    ----------
    start, stop
        First byte and the one after the last; no end where none is stated.
    version
        Of the file; none where its size is not stated.
    """

    start: int
    stop: int | None
    version: Version | None


def read_part(answer: requests.Response) -> Part | None:
    """Part that an answer of status 200 or 206 holds; None if it does not say."""
    headers = answer.headers
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        return None

    def version(size: int) -> Version:
        return Version(
            size=size, etag=headers.get("ETag"), modified=headers.get("Last-Modified")
        )

    if answer.status_code == requests.codes.ok:
        length = headers.get("Content-Length", "")
        if _LENGTH.fullmatch(length) is None:
            return Part(start=0, stop=None, version=None)
        return Part(start=0, stop=int(length), version=version(int(length)))
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if match is None:
        return None
    first, last, size = (int(number) for number in match.groups())
    if not first <= last < size:
        return None
    return Part(start=first, stop=last + 1, version=version(size))


def read_body(
    answer: requests.Response,
    part: Part,
    *,
    limits: Limits,
    tallies: Sequence[Tally],
    where: str,
) -> Iterator[tuple[int, bytes]]:
    """Offsets and bytes of a part, as they come.

    Raises
    ------
    PassingError
        If it ends early, stalls or takes too long.
    DataError
        If a limit of bytes is passed.
    """
    # A part that is begun anew cannot be continued: its end was not stated.
    deadline = time.monotonic() + limits.max_seconds
    offset = part.start
    while part.stop is None or offset < part.stop:
        wanted = _CHUNK if part.stop is None else min(_CHUNK, part.stop - offset)
        try:
            # Whatever has come, unlike `read`, which waits for all of it.
            chunk = answer.raw.read1(wanted, decode_content=False)
        except ReadTimeoutError:
            raise PassingError("stalled", reached=offset) from None
        except (HTTPError, OSError):
            raise PassingError("broke off", reached=offset) from None
        if not chunk:
            if part.stop is None:
                return
            raise PassingError("ended early", reached=offset)
        for tally in tallies:
            tally.count(len(chunk), where=where)
        yield offset, chunk
        offset += len(chunk)
        if time.monotonic() > deadline:
            raise PassingError("too slow", reached=offset)


def read_wait(answer: requests.Response) -> float:
    """Seconds that ``Retry-After`` asks for, 0 if it does not."""
    text = answer.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

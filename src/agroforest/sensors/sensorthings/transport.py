"""Documents of one service: asked for within limits, and from nowhere else."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from agroforest.core.errors import ConfigurationError, DataError, SourceError

#: Answers after which the same request is worth repeating (RFC 9110 and 6585);
#: everything else is final.
RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_PORTS = {"http": 80, "https": 443}
_CHUNK = 64 * 1024
#: Longest address that is followed; an answer could hold one of megabytes.
_LONGEST_ADDRESS = 8000
#: Longest that a service may ask us to wait, seconds. Arbitrary.
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much a service may cost. All are arbitrary and generous.

    Attributes
    ----------
    document_bytes
        Of one answer, unpacked.
    total_bytes
        Of all answers.
    documents
        How many answers.
    entities
        Things, or Datastreams.
    seconds
        For everything.
    request_seconds
        Until an answer is there whole.
    retries
        How often a request is repeated.
    backoff
        Seconds before the first repetition; doubled each time.
    """

    document_bytes: int = 32 << 20
    total_bytes: int = 2 << 30
    documents: int = 20_000
    entities: int = 100_000
    seconds: float = 3600.0
    request_seconds: float = 60.0
    retries: int = 3
    backoff: float = 0.5


class _PassingError(Exception):
    """A fault after which the same request is worth repeating."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Service:
    """One SensorThings service.

    Parameters
    ----------
    url
        Its root, ``https://example.org/FROST-Server/v1.1``.
    session
        Makes the connections; where they may go is for its adapters to judge. User
        and password are taken from ``~/.netrc``.
    limits
        How much may be read.

    Attributes
    ----------
    root
        The root, without a final slash.
    documents, bytes
        What was read so far.

    Raises
    ------
    ConfigurationError
        The address is no plain http or https URL.
    """

    def __init__(
        self, url: str, session: requests.Session, *, limits: Limits | None = None
    ) -> None:
        parts = _split(url)
        if parts is None or parts.username is not None or parts.query or parts.fragment:
            raise ConfigurationError(
                url.partition("?")[0].rpartition("@")[2][:200],
                "is no plain http or https address of a service",
                "write https://HOST/…/v1.1; leave user and password to ~/.netrc",
            )
        self.root = url.rstrip("/")
        self.host = str(parts.hostname)
        self.documents = 0
        self.bytes = 0
        self.limits = limits or Limits()
        self._origin = _origin(parts)
        self._path = parts.path.rstrip("/")
        self._session = session
        self._deadline = time.monotonic() + self.limits.seconds

    def resolve(self, link: object, base: str) -> str:
        """Absolute address of a link in an answer, if it stays within the service.

        Raises
        ------
        DataError
            It is no text, or leads to another host, protocol or path.
        """
        if not isinstance(link, str) or len(link) > _LONGEST_ADDRESS:
            raise DataError(self.root, "holds a link that is none", _TELL_OPERATOR)
        try:
            parts = _split(urljoin(base, link))
        except ValueError:
            parts = None
        if parts is None or not self._holds(parts):
            raise DataError(
                self.root, f"leads elsewhere, to {_shown(link)!r}", _TELL_OPERATOR
            )
        return urlunsplit(parts)

    def read(self, address: str) -> dict[str, Any]:
        """Ask for a document.

        Parameters
        ----------
        address
            Within the service; see `resolve`.

        Raises
        ------
        SourceError
            The service did not answer, or a limit over all answers is reached.
        ConfigurationError
            It refuses the request, or leads elsewhere.
        DataError
            What came is too big or no JSON object.
        """
        limits = self.limits
        failure = ""
        for attempt in range(limits.retries + 1):
            self._check_budget()
            try:
                body = self._fetch(address)
                break
            except _PassingError as error:
                failure = str(error)
                wait = max(limits.backoff * 2**attempt, error.wait)
                if attempt < limits.retries:
                    time.sleep(min(wait, _LONGEST_WAIT))
        else:
            raise SourceError(self.root, failure, "try again later")
        return self._parse(body)

    def _fetch(self, address: str) -> bytes:
        self.documents += 1
        try:
            # A redirect would carry password and question to wherever it leads.
            answer = self._session.get(
                address,
                timeout=self.limits.request_seconds,
                allow_redirects=False,
                stream=True,
                headers={"Accept": "application/json"},
            )
        except (requests.RequestException, OSError) as error:
            # The cause may hold the address, and with it a password.
            raise _PassingError(f"did not answer ({type(error).__name__})") from None
        with answer:
            self._judge(answer)
            return self._read_body(answer)

    def _judge(self, answer: requests.Response) -> None:
        status = answer.status_code
        if status in RETRIED_STATUS:
            wait = answer.headers.get("Retry-After", "")
            raise _PassingError(
                f"answered with status {status}",
                float(wait) if wait.isascii() and wait.isdecimal() else 0.0,
            )
        if 300 <= status < 400:
            raise ConfigurationError(
                self.root,
                f"leads to {_shown(answer.headers.get('Location', '?'))!r}",
                "give the address where the service is",
            )
        if status in {401, 403}:
            raise ConfigurationError(
                self.root,
                f"does not let us in (status {status})",
                f"write user and password for {self.host} into ~/.netrc",
            )
        if status != requests.codes.ok:
            raise ConfigurationError(
                self.root,
                f"refuses the request with status {status}",
                "check that this is the root of a SensorThings 1.1 service",
            )

    def _read_body(self, answer: requests.Response) -> bytes:
        deadline = time.monotonic() + self.limits.request_seconds
        body = bytearray()
        while True:
            try:
                # Whatever has come, unlike `read`, which waits for all of it.
                chunk = answer.raw.read1(_CHUNK, decode_content=True)
            except (HTTPError, OSError) as error:
                raise _PassingError(f"broke off ({type(error).__name__})") from None
            if not chunk:
                return bytes(body)
            body += chunk
            self.bytes += len(chunk)
            if len(body) > self.limits.document_bytes:
                raise DataError(
                    self.root,
                    f"sent more than {self.limits.document_bytes} bytes as one answer",
                    "this is no page of readings; " + _TELL_OPERATOR,
                )
            self._check_budget()
            if time.monotonic() > deadline:
                raise _PassingError("is too slow")

    def _check_budget(self) -> None:
        limits = self.limits
        reached = (
            f"{limits.documents} answers" * (self.documents >= limits.documents)
            or f"{limits.total_bytes} bytes" * (self.bytes > limits.total_bytes)
            or f"{limits.seconds:g} s" * (time.monotonic() > self._deadline)
        )
        if reached:
            raise SourceError(
                self.root,
                f"is not at its end after {reached}",
                "run it again: it goes on where it stopped",
            )

    def _parse(self, body: bytes) -> dict[str, Any]:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise DataError(
                self.root, f"did not answer with JSON ({error})"[:300], _CHECK_ROOT
            ) from None
        if not isinstance(document, dict):
            raise DataError(self.root, "did not answer with an object", _CHECK_ROOT)
        return document

    def _holds(self, parts: SplitResult) -> bool:
        if parts.username is not None or _origin(parts) != self._origin:
            return False
        steps = {unquote(step) for step in parts.path.split("/")}
        return not steps & {".", ".."} and parts.path.startswith(f"{self._path}/")


_CHECK_ROOT = "check that this is the root of a SensorThings 1.1 service"
_TELL_OPERATOR = "tell whoever runs it; its own address may be set wrongly there"


def _split(url: str) -> SplitResult | None:
    """Parts of a plain http or https address; ``None`` where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    plain = url.isprintable() and not any(c in url for c in ' \\"<>')
    if not plain or parts.scheme not in _PORTS or not parts.hostname or port == 0:
        return None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    port = parts.port or _PORTS[parts.scheme]
    return parts.scheme, str(parts.hostname), port


def _shown(link: str) -> str:
    """Address for a message: without user and password, and short."""
    head, sign, tail = link.partition("://")
    where = tail.partition("/")[0].rpartition("@")[2] if sign else ""
    rest = tail[len(tail.partition("/")[0]) :] if sign else ""
    return (f"{head}://{where}{rest}" if sign else link)[:80]

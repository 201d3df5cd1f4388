"""Byte ranges of one remote file: asked for, retried, counted, checked.

What is tried again is an explicit set: no connection, no answer in time, a body
that ends early, and `RETRIED_STATUS`. A range that broke off is continued, not
begun again.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from urllib.parse import urljoin, urlsplit

import requests
from requests.exceptions import ConnectionError as ConnectionFailedError
from requests.exceptions import RequestException, SSLError, Timeout

from agroforest.catalog.href import NOT_PLAIN, Reach, parse_host, redact
from agroforest.core.errors import DataError, SourceError
from agroforest.cube.answer import (
    Part,
    PassingError,
    Version,
    read_body,
    read_part,
    read_wait,
)
from agroforest.cube.limits import Limits, Tally

_log = logging.getLogger(__name__)

#: Answers after which the same request is worth repeating (RFC 9110 and 6585).
RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({401, 403, 404, 410})
_OK, _PARTIAL, _UNSATISFIABLE = 200, 206, 416
_MAX_REDIRECTS = 5  # object stores need one. Arbitrary.
_PROGRESS = 1 << 20  # bytes after which attempts are counted anew. Arbitrary.
_LATER = "run it again later"

#: Called with an offset and the bytes that stand there.
Write = Callable[[int, bytes], None]


class Fetcher:
    """Ranges of one URL.

    Once the first range has come, for several threads.

    Parameters
    ----------
    url
        Of the file.
    http
        Session whose transport keeps to `reach`.
    reach
        Where the URL, and by its rules a redirect, may lead.
    limits
        Times and attempts.
    tallies
        On which requests and bytes are counted, the file's own first.

    Raises
    ------
    DataError
        If the URL is no plain one, or leads too far.
    """

    def __init__(
        self,
        url: str,
        *,
        http: requests.Session,
        reach: Reach,
        limits: Limits,
        tallies: Sequence[Tally],
    ) -> None:
        reach.check(url)
        #: The URL as it may be shown.
        self.where = redact(url)
        if parse_host(url) is None:
            raise DataError(self.where, NOT_PLAIN, "download the file and add it")
        #: Of the file, once the first range has come.
        self.version: Version | None = None
        self._url = self._target = url
        self._ranged = False
        self._http = http
        self._reach = reach.after_redirect(url)
        self._limits = limits
        self._tallies = tuple(tallies)

    def fetch(self, start: int, stop: int, write: Write) -> None:
        """Fetch a range and hand over its bytes, in order.

        The file may end before `stop`. From a server that ignores ranges, the
        whole file comes.

        Raises
        ------
        SourceError
            No answer after all attempts, access refused, or another version of
            the file than before.
        DataError
            The file is empty or over a limit, or leads where it may not.
        """
        attempt = 0
        while start < stop:
            try:
                return self._attempt(start, stop, write)
            except PassingError as fault:
                begun = start if fault.reached is None else fault.reached
                # Who gets on gets time; bytes are limited anyway.
                attempt = 1 if begun - start >= _PROGRESS else attempt + 1
                start = begun
                if attempt >= self._limits.attempts:
                    raise SourceError(
                        self.where, f"no answer ({fault}, {attempt} attempts)", _LATER
                    ) from None
                wait = min(
                    max(self._back_off(attempt), fault.wait),
                    self._limits.max_wait_seconds,
                )
                _log.info("%s: %s; again in %.1f s", self.where, fault, wait)
                time.sleep(wait)
        return None

    def _back_off(self, attempt: int) -> float:
        longest = self._limits.back_off_seconds * 2.0 ** (attempt - 1)
        # At random, so that those who failed together do not return together.
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  no secret

    def _attempt(self, start: int, stop: int, write: Write) -> None:
        answer = self._ask(start, stop)
        try:
            part = self._judge(answer, start, stop)
            body = read_body(
                answer,
                part,
                limits=self._limits,
                tallies=self._tallies,
                where=self.where,
            )
            end = part.start
            try:
                for offset, chunk in body:
                    write(offset, chunk)
                    end = offset + len(chunk)
            except PassingError as fault:
                if answer.status_code == _OK:
                    fault.reached = 0  # ranges are ignored: all over again
                raise
        finally:
            answer.close()
        if self.version is None:
            self.version = Version(size=end, etag=None, modified=None)
        if end < min(stop, self.version.size):
            raise PassingError("answered in part", reached=end)

    # ------------------------------------------------------------- asking

    def _ask(self, start: int, stop: int) -> requests.Response:
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        if self.version is not None and self.version.condition:
            headers["If-Range"] = self.version.condition
        target = self._target
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._send(target, headers)
            if answer.status_code not in _REDIRECTS:
                break
            answer.close()
            target = self._follow(target, answer.headers.get("Location"))
        else:
            raise SourceError(self.where, "redirects without end", _LATER)
        if answer.status_code in _REFUSED and self._target != self._url:
            # Where redirects lead is remembered, but may be signed for a while.
            answer.close()
            self._target = self._url
            raise PassingError(f"status {answer.status_code} after a redirect")
        self._target = target
        return answer

    def _send(self, url: str, headers: dict[str, str]) -> requests.Response:
        for tally in self._tallies:
            tally.count_request()
        try:
            return self._http.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(self._limits.connect_seconds, self._limits.read_seconds),
            )
        except SSLError as error:
            raise SourceError(
                self.where,
                f"no secure connection ({_root(error)})",
                "check the server's certificate and this machine's clock",
            ) from None
        except Timeout:
            raise PassingError("no answer in time") from None
        except ConnectionFailedError as error:
            raise PassingError(f"no connection: {_root(error)}") from None
        except RequestException as error:
            kind = type(error).__name__
            raise SourceError(self.where, f"cannot be asked ({kind})", _LATER) from None
        except DataError as refused:  # of the guarded transport, names the host only
            raise DataError(
                self.where, f"{refused.where} {refused.problem}", refused.remedy
            ) from None

    def _follow(self, url: str, location: str | None) -> str:
        if not location:
            raise SourceError(self.where, "redirects nowhere", _LATER)
        target = urljoin(url, location)
        try:
            self._reach.check(target)
        except DataError as refused:
            raise DataError(
                self.where,
                f"redirects to {refused.where}, which {refused.problem}",
                refused.remedy,
            ) from None
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
            raise DataError(
                self.where, "redirects from https to http", "use another catalogue"
            )
        return target

    # ------------------------------------------------------------ judging

    def _judge(self, answer: requests.Response, start: int, stop: int) -> Part:
        status = answer.status_code
        if status in RETRIED_STATUS:
            raise PassingError(f"status {status}", wait=read_wait(answer))
        if status in {401, 403}:
            raise SourceError(
                self.where,
                f"access refused (status {status})",
                "check the access rights, or find the scene again if its address "
                "was signed for a time",
            )
        if status == _UNSATISFIABLE and start == 0:
            raise DataError(self.where, "is empty", "fetch it again")
        if status not in {_OK, _PARTIAL, _UNSATISFIABLE}:
            raise SourceError(self.where, f"no answer (status {status})", _LATER)
        part = None if status == _UNSATISFIABLE else read_part(answer)
        if self.version is not None:
            self._refuse_other(part, status)
        if part is None:
            raise SourceError(
                self.where, "does not say which bytes it sends", "use another server"
            )
        if status == _PARTIAL and not (part.start == start and _upto(part, stop)):
            raise PassingError("answered other bytes than asked")
        if status == _OK and part.version is not None:
            self._tallies[0].refuse(part.version.size, where=self.where)
        self.version = self.version or part.version
        self._ranged |= status == _PARTIAL
        return part

    def _refuse_other(self, part: Part | None, status: int) -> None:
        known, found = self.version, part and part.version
        # Where ranges were served, the whole file means that `If-Range` failed.
        in_kind = status == _PARTIAL or not self._ranged
        if in_kind and known and found and not known.differs(found):
            return
        raise SourceError(
            self.where, "changed while it was read", "run it again from the beginning"
        )


def _upto(part: Part, stop: int) -> bool:
    return part.stop is not None and part.stop <= stop


def _root(error: BaseException) -> str:
    """Words of the system's error; those of the libraries hold the whole URL."""
    words = "no reason given"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            words = seen.strerror
        seen = seen.__cause__ or seen.__context__
    return words

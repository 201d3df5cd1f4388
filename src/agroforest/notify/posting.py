"""JSON posted to an address of the operator's, with limits on everything.

Redirects are not followed, for they would lead where the operator did not say. Proxies
and passwords of the environment are left alone. No error shows the address: robots have
their secret in it.
"""

import ipaddress
import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from agroforest.core.errors import ConfigurationError, DataError, SourceError

#: Longest answer that is read, bytes; what services answer is a line.
_ANSWER = 64 * 1024
_CHUNK = 4096
#: The message itself is refused. Everything else may be mended by the operator or by
#: time, and an alert must not be lost to a password that has run out.
_REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


def check_address(name: str, address: str, *, insecure: bool) -> str:
    """Check that an address can be posted to.

    Raises
    ------
    ConfigurationError
        It is no address of HTTP, or it is not encrypted and leaves this machine. The
        address is not shown.
    """
    where, remedy = f"channel {name}", "give https://…"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(where, "its address is not one of the web", remedy)
    if parts.scheme == "http" and not (insecure or is_local(host)):
        raise ConfigurationError(
            where,
            "its address is not encrypted",
            "give https://…, or allow it: insecure = true",
        )
    return address


def is_local(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def post(
    name: str,
    address: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    timeout_s: float,
) -> dict[str, Any]:
    """Post a JSON object and read the answer.

    Parameters
    ----------
    name
        Of the channel, for errors.
    address
        Where to.
    body
        The object, encoded.
    headers
        Beside ``Content-Type``.
    timeout_s
        For connecting, for each part of the answer, and for all of its body.

    Returns
    -------
    dict
        The answer; empty where it is no JSON object.

    Raises
    ------
    SourceError
        Nobody answered, or it may be taken later.
    DataError
        This message is refused.
    """
    where = f"channel {name}"
    kept = {
        "Content-Type": "application/json; charset=utf-8",
        "Accept-Encoding": "identity",  # what is read is counted
        **headers,
    }
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.post(
                address,
                data=body,
                headers=kept,
                timeout=(timeout_s, timeout_s),
                allow_redirects=False,
                stream=True,
            ) as answer:
                status = answer.status_code
                text = _read_body(answer, timeout_s)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        # Its words hold the address, so only its kind is told.
        raise SourceError(
            where, f"did not answer ({type(error).__name__})", "it is tried again"
        ) from None
    if status in _REFUSED:
        raise DataError(
            where, f"refused the message (HTTP {status})", "look at its settings"
        )
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise SourceError(
            where, f"did not take the message (HTTP {status})", "it is tried again"
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_body(answer: requests.Response, timeout_s: float) -> bytes:
    """Beginning of an answer; one that trickles in is cut short."""
    until = time.monotonic() + timeout_s
    found = b""
    # read1 takes what has come; read would wait until it is a whole chunk.
    while len(found) < _ANSWER and time.monotonic() < until:
        chunk = answer.raw.read1(_CHUNK)
        if not chunk:
            break
        found += chunk
    return found

"""HTTP connections that go only where a `Reach` permits.

A name is resolved once, the addresses it stands for are judged, and the socket is
made to one of those that passed: nobody can answer differently in between. The
request and the certificate keep the name.

Proxies of the environment (``HTTPS_PROXY`` and so on) are used as requests does. A
proxy resolves names itself; then only the spelling is judged here, and what the
proxy may reach is for the proxy to say.
"""

import logging
import re
import socket
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import create_connection

from agroforest.catalog.href import Reach
from agroforest.core.errors import DataError

# These write whole addresses into the debug log.
_TALKATIVE = (
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "pystac_client.stac_api_io",
)
_QUERY = re.compile(r"\?[^\s\"']+")
_USER = re.compile(r"//[^/@\s]+@")


class GuardedAdapter(HTTPAdapter):
    """Transport of a requests session that keeps to a reach.

    Parameters
    ----------
    reach
        Where connections may go.
    **settings
        As of `HTTPAdapter`.

    Raises
    ------
    DataError
        By requests, if a host stands only for addresses out of reach.
    """

    def __init__(self, reach: Reach, **settings: Any) -> None:  # noqa: ANN401  passed on
        self._reach = reach
        hush()
        super().__init__(**settings)

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401  passed on
        """Make connections of our own kind."""
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = _pools(self._reach)


def hush() -> None:
    """Keep query strings and passwords out of the logs of HTTP libraries."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if not any(isinstance(f, _Redacting) for f in logger.filters):
            logger.addFilter(_Redacting())


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = _QUERY.sub("?…", record.getMessage())
        record.msg, record.args = _USER.sub("//", text), None
        return True


def _pools(reach: Reach) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnectionPool):
        ConnectionCls = partial(_Plain, reach=reach)  # type: ignore[assignment]

    class Secure(HTTPSConnectionPool):
        ConnectionCls = partial(_Secure, reach=reach)  # type: ignore[assignment]

    return {"http": Plain, "https": Secure}


class _Guarded(HTTPConnection):
    """A connection whose socket goes to an address that was judged."""

    def __init__(self, *args: Any, reach: Reach, **settings: Any) -> None:  # noqa: ANN401  passed on
        super().__init__(*args, **settings)
        self._reach = reach

    def _new_conn(self) -> socket.socket:
        failure: OSError | None = None
        for address in self._addresses():
            try:
                return create_connection(
                    (address, self.port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"no answer from {self.host}") from failure
        raise NewConnectionError(self, f"no connection ({failure})") from failure

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise NewConnectionError(self, f"no host {self.host}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        reached = [
            address
            for address in addresses
            if self._reach.permits(self.host, self.port, address)
        ]
        if not reached:
            raise DataError(
                self.host,
                f"stands for {addresses[0]}, in the network of this machine",
                f"name {self.host} in `allow_hosts` if it is yours",
            )
        return reached


class _Plain(_Guarded):
    """Without encryption."""


class _Secure(_Guarded, HTTPSConnection):
    """With encryption; the certificate is checked against the name."""

"""Where an address may lead.

Items of a remote catalogue are written by others. An address in one must not make
this machine open its own files, or send requests into the network behind it.
Addresses are judged twice: as they are spelled, when an item is read; and by the
number a name stands for, when a connection is made, since names can be made to
stand for anything at any time.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from agroforest.core.errors import DataError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Everything else (percent signs, backslashes, letters that only look like others)
# is read in different ways by different programs.
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^@]*)@)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
# Names that stand for something nearby (RFC 6761, 6762 and its appendix G, 8375,
# and the reservation of .internal by ICANN in 2024).
_NEARBY = (
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".private",
    ".corp",
    ".home",
    ".lan",
    ".home.arpa",
)
# IPv6 networks whose addresses end in an IPv4 address (RFC 6052; RFC 4291, 2.5.5.1).
_HOLDING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96")))
_LOW = 0xFFFF_FFFF
#: What is wrong with a URL that `parse_host` does not take.
NOT_PLAIN = "is no plain http or https address"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How far addresses of items may lead.

    Attributes
    ----------
    local
        Whether items may name files of this machine, and hosts of its own network
        where they are spelled as such: by number, by a name without dots or under
        ``.local`` and the like. True for items that the operator put here.
    allow_hosts
        Hosts (``"minio.example.cn"``, ``"10.1.2.3:9000"``) that may be reached
        whatever their address.
    """

    local: bool = True
    allow_hosts: tuple[str, ...] = ()

    def check(self, href: str, *, where: object = None) -> None:
        """Judge an address as it is spelled.

        Parameters
        ----------
        href
            Path or URL.
        where
            Named in the error; the address itself unless given.

        Raises
        ------
        DataError
            If it may not be followed.
        """
        fault = None if self.local else self._fault(href)
        if fault is None:
            return
        problem, remedy = fault
        shown = redact(href)
        if where is None:
            raise DataError(shown, problem, remedy)
        raise DataError(where, f"{shown} {problem}", remedy)

    def permits(self, name: str, port: int, address: str) -> bool:
        """Whether a connection to a host may go to the address it stands for."""
        return (
            is_public(ipaddress.ip_address(address))
            or self._is_allowed(name, port)
            or (self.local and is_nearby(name))
        )

    def after_redirect(self, url: str) -> "Reach":
        """Reach of a server's answers: it may lead to itself and to the public."""
        host = parse_host(url)
        own = () if host is None else (f"{host.name}:{host.port}",)
        return Reach(local=False, allow_hosts=(*self.allow_hosts, *own))

    def _fault(self, href: str) -> tuple[str, str] | None:
        host = parse_host(href)
        if not is_url(href):
            return "is a file of the machine that reads it", "download the files"
        if host is None:
            return NOT_PLAIN, "download the files"
        if host.has_user:
            return "holds a user name or password", "leave them to ~/.netrc"
        if is_nearby(host.name) and not self._is_allowed(host.name, host.port):
            return (
                "leads into the network of the machine that reads it",
                f"name {host.name} in `allow_hosts` if it is yours",
            )
        return None

    def _is_allowed(self, name: str, port: int) -> bool:
        spelled = (name, f"{name}:{port}", f"[{name}]", f"[{name}]:{port}")
        return any(entry.lower() in spelled for entry in self.allow_hosts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Whom a URL addresses.

    Attributes
    ----------
    scheme
        ``http`` or ``https``.
    name
        Lower case, without brackets and final dot.
    port
        Stated, or the scheme's.
    has_user
        Whether the URL holds a user name or password.
    """

    scheme: str
    name: str
    port: int
    has_user: bool


def parse_host(url: str) -> Host | None:
    """Host of an http or https URL; None where it is not plainly one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    match = _AUTHORITY.fullmatch(parts.netloc)
    if match is None or parts.scheme not in _PORTS or _FORBIDDEN.search(url):
        return None
    name = match["host"].lower().strip("[]").rstrip(".")
    last = name.rpartition(".")[2]
    # What ends in a number is an address (WHATWG URL standard, 3.5); where the C
    # library does not read it as one, somebody else might.
    if not name or (_NUMBER.fullmatch(last) and _literal(name) is None):
        return None
    port = int(match["port"] or _PORTS[parts.scheme])
    if not 0 < port < 65536:
        return None
    return Host(
        scheme=parts.scheme, name=name, port=port, has_user=match["user"] is not None
    )


def resolve_href(href: str, base: str) -> str:
    """Absolute path or URL of an address found in `base`."""
    if href.startswith("file://"):
        return unquote(urlsplit(href).path)
    if "://" in href or href.startswith("/"):
        return href
    if "://" in base:
        return urljoin(base, href)
    return str((Path(base).parent / href).resolve())


def is_local(href: str) -> bool:
    """Whether an address is a path on this machine."""
    return "://" not in href and not href.startswith("/vsi")


def is_url(href: str) -> bool:
    """Whether an address is a URL and not of a file of this machine."""
    return bool(_URL.match(href)) and not href.lower().startswith("file://")


def redact(url: str) -> str:
    """URL without user, password, query and fragment, which may hold secrets."""
    if not _URL.match(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("://")[0] + "://…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def is_nearby(name: str) -> bool:
    """Whether a host is spelled as one of this machine or its own network.

    By number in any spelling that the C library understands (``127.1``,
    ``0x7f000001``, ``2130706433``), or by name.
    """
    address = _literal(name)
    if address is not None:
        return not is_public(address)
    return "." not in name or name.endswith(_NEARBY)


def is_public(address: _Address) -> bool:
    """Whether an address is one of the public internet.

    Private, shared, link-local, loopback, multicast and reserved ones are not
    (IANA's special-purpose registries), nor are IPv6 addresses that stand for
    such an IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _HOLDING):
            inner = ipaddress.IPv4Address(int(address) & _LOW)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _literal(name: str) -> _Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        pass
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        return None

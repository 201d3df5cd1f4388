"""Which Dask scheduler does the work, and how both sides know each other."""

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from distributed import Security

from agroforest.core.errors import ConfigurationError

#: Seconds to wait for the scheduler, and then for its first worker; arbitrary. A
#: job queue may need more.
PATIENCE = 60.0

#: Environment of workers that share a machine: one thread each. Dask would also make
#: the allocator return memory at every chance (``None`` takes that back): a night's
#: task then spends more time on page faults than on work.
WORKER_ENVIRONMENT: Mapping[str, int | None] = {
    "OMP_NUM_THREADS": 1,
    "OPENBLAS_NUM_THREADS": 1,
    "MKL_NUM_THREADS": 1,
    "NUMBA_NUM_THREADS": 1,
    "MALLOC_TRIM_THRESHOLD_": None,
}

#: Dask's configuration for workers that do one tile at a time.
WORKER_SETTINGS: Mapping[str, object] = {
    "distributed.nanny.pre-spawn-environ": dict(WORKER_ENVIRONMENT),
    # Results are small and never spilled, and a worker that takes no new tile until
    # its memory shrinks may wait for ever. Beyond its limit it is still ended.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    # Dask samples the call stack for its dashboard and keeps an hour of it: with
    # tasks of seconds that is memory that grows.
    "distributed.worker.profile.enabled": False,
}

_SCHEMES = ("tcp", "tls")
_Role = Literal["client", "worker"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificates:
    """PEM files of this machine; what is ``None`` is Dask's own configuration's.

    Attributes
    ----------
    ca
        Certificate of the authority that signed everybody's. Whoever holds a
        certificate of this authority is let in, so it signs for nothing else.
    cert, key
        This machine's certificate and its private key.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduler:
    """A Dask scheduler.

    Attributes
    ----------
    address
        ``tls://HOST:PORT``, or ``tcp://HOST:PORT``.
    certificates
        For ``tls``.
    insecure
        Whether ``tcp`` may leave this machine.
    patience
        Seconds to wait for an answer, and then for a worker.
    """

    address: str
    certificates: Certificates = Certificates()
    insecure: bool = False
    patience: float = PATIENCE

    @property
    def host(self) -> str:
        """Name or IP address."""
        return urlsplit(self.address).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether the scheduler can only be this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def security(self, role: _Role) -> Security | None:
        """Build what Dask needs to encrypt, and to prove who is who.

        Returns
        -------
        Security or None
            ``None`` for ``tcp``.

        Raises
        ------
        ConfigurationError
            The address is no address; it is ``tcp`` beyond this machine, and
            nobody said that this is meant; certificates are missing or unusable.
        """
        scheme = self.address.partition("://")[0]
        if scheme not in _SCHEMES or not _is_address(self.address):
            raise ConfigurationError(
                self.address, "is no scheduler", "write tls://HOST:PORT"
            )
        if scheme == "tls":
            return _tls(self.address, self.certificates, role)
        if not self.is_local and not self.insecure:
            raise ConfigurationError(
                self.address,
                "tcp has no authentication: whoever reaches the port runs programs "
                "on every worker",
                "use tls:// (docs/deploy.md), or say --insecure on a closed network",
            )
        return None


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _tls(address: str, certificates: Certificates, role: _Role) -> Security:
    given = {
        "tls_ca_file": certificates.ca,
        f"tls_{role}_cert": certificates.cert,
        f"tls_{role}_key": certificates.key,
    }
    security = Security(
        require_encryption=True,
        **{name: str(path) for name, path in given.items() if path is not None},
    )
    found = security.get_tls_config_for_role(role)
    if not (found["ca_file"] and found["cert"]):
        raise ConfigurationError(
            address,
            "needs certificates",
            "give --tls-ca, --tls-cert and --tls-key (docs/deploy.md)",
        )
    try:
        security.get_connection_args(role)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(found[k]) for k in ("ca_file", "cert", "key") if found[k])
        raise ConfigurationError(
            files, f"unusable for TLS ({error})", "mend the PEM files (docs/deploy.md)"
        ) from error
    return security

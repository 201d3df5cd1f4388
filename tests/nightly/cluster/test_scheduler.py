"""Which schedulers are let in: TLS, or the loopback, or what was said to be meant."""

import shutil
from pathlib import Path

import pytest
from tests.nightly.cluster.machines import make_certificates

from agroforest.core.errors import ConfigurationError
from agroforest.nightly.cluster.scheduler import Certificates, Scheduler


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"],
)
def test_tcp_on_this_machine_needs_nothing(address: str) -> None:
    at = Scheduler(address=address)
    assert at.is_local
    assert at.security("client") is None


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.5:8786",
        "tcp://0.0.0.0:8786",
        "tcp://scheduler:8786",
        "tcp://127.0.0.1.example.org:8786",
        "tcp://localhost.example.org:8786",
        "tcp://[2001:db8::1]:8786",
    ],
)
def test_tcp_beyond_this_machine_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no authentication.*tls://"):
        Scheduler(address=address).security("client")
    assert Scheduler(address=address, insecure=True).security("client") is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host:8786",
        "http://host:8786",
        "inproc://x",
        "ws://host:1",
        "tls://",
        "tls://:8786",
        "tcp://host:port",
        "tls://host:99999",
        "tls://[::1:8786",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no scheduler; write tls://"):
        Scheduler(address=address, insecure=True).security("client")


def test_tls_needs_certificates() -> None:
    with pytest.raises(ConfigurationError, match="needs certificates; give --tls-ca"):
        Scheduler(address="tls://host:8786").security("client")


def test_unusable_certificates_are_named(tmp_path: Path) -> None:
    ca, cert = tmp_path / "ca.pem", tmp_path / "node.pem"
    certificates = Certificates(ca=ca, cert=cert)
    at = Scheduler(address="tls://host:8786", certificates=certificates)
    with pytest.raises(ConfigurationError, match=r"ca\.pem.*No such file"):
        at.security("client")
    ca.write_text("nothing")
    cert.write_text("nothing")
    with pytest.raises(ConfigurationError, match=r"ca\.pem.*unusable for TLS"):
        at.security("worker")


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_the_documented_certificates_serve_every_role(tmp_path: Path) -> None:
    at = Scheduler(address="tls://host:8786", certificates=make_certificates(tmp_path))
    client, worker = at.security("client"), at.security("worker")
    assert client is not None
    assert worker is not None
    for security, role in ((client, "client"), (worker, "worker")):
        assert security.require_encryption
        assert security.get_connection_args(role)["ssl_context"] is not None

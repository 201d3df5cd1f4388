"""Check of the listener's brokers: whether they answer, and their secret is there."""

import socket
from pathlib import Path

from agroforest.core.errors import AgroforestError
from agroforest.health.finding import Finding, fail, warn, well
from agroforest.listen.secret import resolve_secret
from agroforest.listen.settings import BrokerSection, read_listen_settings

_PATIENCE_S = 5.0
_TLS, _PLAIN = 8883, 1883


def check_brokers(settings: Path) -> list[Finding]:
    """Ask every broker of a listener's settings for a connection."""
    try:
        brokers = read_listen_settings(settings).broker
    except AgroforestError as error:
        return [fail("broker", "监听设置有误", error.problem, str(error))]
    if not brokers:
        return [well("broker", "没有设置代理", "none is named")]
    return [_check(broker) for broker in brokers]


def _check(broker: BrokerSection) -> Finding:
    port = broker.port or (_PLAIN if broker.tls is None else _TLS)
    where = f"{broker.host}:{port}"
    try:
        if broker.password_env or broker.password_file:
            name = f"broker {broker.name}"
            resolve_secret(name, broker.password_env, broker.password_file)
    except AgroforestError as error:
        return fail("broker", f"{broker.name} 缺少口令", error.problem, error.remedy)
    try:
        socket.create_connection((broker.host, port), timeout=_PATIENCE_S).close()
    except OSError as error:
        return warn(
            "broker",
            f"{broker.name}（{where}）不应答",
            f"{broker.name} at {where} does not answer ({error})",
            "start it, or mend host and port; it keeps messages meanwhile",
        )
    return well("broker", f"{broker.name} 应答", f"{where} answers")

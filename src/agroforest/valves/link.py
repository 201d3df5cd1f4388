"""The way to devices: commands out, reports in, over one MQTT broker.

Nothing is kept for later. A command that cannot go out now is dropped, since the next
step decides afresh; and what a broker kept from before is not a report of now.
"""

import logging
import queue
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, Self

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTMessageInfo,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agroforest.core.errors import ConfigurationError
from agroforest.core.valve import ValveReport
from agroforest.listen.secret import resolve_secret
from agroforest.valves.payload import build_payload, read_report
from agroforest.valves.settings import ValveBroker, ValveSettings
from agroforest.valves.turn import AskState, SendClose, SendOpen

_LOG = logging.getLogger(__name__)

#: Seconds between attempts to connect.
_FIRST_PAUSE, _LONGEST_PAUSE = 1, 30
#: Reports that wait to be looked at; more are dropped, the next ones will do.
_WAITING = 10_000
_KEEPALIVE_S = 20


class Link(Protocol):
    """Where commands go, and where reports come from."""

    @property
    def connected(self) -> bool:
        """Whether something sent now would go out."""

    def start(self) -> Self:
        """Connect, and connect again whenever the connection is lost."""

    def close(self) -> None:
        """Disconnect."""

    def send(self, action: SendOpen | SendClose | AskState) -> bool:
        """Send a command; whether it went out."""

    def flush(self, timeout: float) -> bool:
        """Wait until the broker has what was sent, seconds at most; whether it has."""

    def next(self, timeout: float) -> ValveReport | None:
        """Wait for a report, seconds at most; ``None`` if none came."""


class MqttLink:
    """A `Link` by MQTT 3.1.1 or 5.

    Parameters
    ----------
    settings
        Broker, topics and forms.
    now
        The clock, UTC.

    Raises
    ------
    ConfigurationError
        The password or a certificate is not there.
    """

    def __init__(
        self,
        settings: ValveSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._now = now
        self._reports: queue.Queue[ValveReport] = queue.Queue(_WAITING)
        self._valves = {v.report.topic: name for name, v in settings.valve.items()}
        self._up = threading.Event()
        self._last: MQTTMessageInfo | None = None
        self._client = _build_client(settings.broker)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    @property
    def connected(self) -> bool:
        """Whether something sent now would go out."""
        return self._up.is_set()

    def start(self) -> Self:
        """Connect, and connect again whenever the connection is lost."""
        host, port = self._settings.broker.address
        self._client.connect_async(host, port, _KEEPALIVE_S)
        self._client.loop_start()
        return self

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, action: SendOpen | SendClose | AskState) -> bool:
        """Send a command; whether it went out."""
        valve = self._settings.valve[action.valve]
        payload = build_payload(action, valve.command)
        if payload is None or not self.connected:
            return False
        # At least once, but for a device that would obey a doubled opening twice.
        once = isinstance(action, SendOpen) and not valve.keeps_ids
        sent = self._client.publish(valve.command.topic, payload, qos=0 if once else 1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._last = sent
        return True

    def flush(self, timeout: float) -> bool:
        """Wait until the broker has what was sent, seconds at most; whether it has."""
        if self._last is None:
            return True
        self._last.wait_for_publish(timeout)
        return self._last.is_published()

    def next(self, timeout: float) -> ValveReport | None:
        """Wait for a report, seconds at most; ``None`` if none came."""
        try:
            return self._reports.get(timeout=timeout)
        except queue.Empty:
            return None

    # ------------------------------------------------------------ what paho calls

    def _on_connect(
        self,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            _LOG.error("broker %s: refuses us (%s)", self._settings.broker.name, reason)
            return
        client.subscribe([(topic, 1) for topic in self._valves])
        self._up.set()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._up.clear()
        _LOG.warning(
            "broker %s: connection lost (%s)", self._settings.broker.name, reason
        )

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        received = self._now()
        try:
            name = self._valves.get(message.topic)
        except UnicodeDecodeError:
            return
        if name is None or message.retain:
            return
        form = self._settings.valve[name].report
        try:
            report = read_report(name, bytes(message.payload), form, received=received)
            self._reports.put_nowait(report)
        except ValueError as error:
            _LOG.warning("valve %s: a report cannot be read (%s)", name, error)
        except queue.Full:
            _LOG.warning("valve %s: reports come faster than they are read", name)


def _build_client(settings: ValveBroker) -> Client:
    is_five = settings.version == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=None if is_five else True,
        protocol=MQTTProtocolVersion.MQTTv5
        if is_five
        else MQTTProtocolVersion.MQTTv311,
    )
    where = f"broker {settings.name}"
    if settings.user:
        password = None
        if settings.password_env or settings.password_file:
            password = resolve_secret(
                where, settings.password_env, settings.password_file
            )
        client.username_pw_set(settings.user, password)
    if settings.tls is not None:
        try:
            context = ssl.create_default_context(cafile=settings.tls.ca)
            if settings.tls.certificate is not None:
                context.load_cert_chain(settings.tls.certificate, settings.tls.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                where, f"its certificates cannot be read ({error})", "give PEM files"
            ) from error
        client.tls_set_context(context)
    client.reconnect_delay_set(_FIRST_PAUSE, _LONGEST_PAUSE)
    return client

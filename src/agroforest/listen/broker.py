"""An MQTT broker: a message is acknowledged when it is on our disk, not before.

This needs a client that leaves the acknowledgement (PUBACK) to its user: paho does;
aiomqtt acknowledges before its user has seen the message, so that one which is
killed then loses it.
"""

import logging
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from agroforest.core.errors import ConfigurationError
from agroforest.listen.arrival import build_arrival
from agroforest.listen.inbox import Inbox
from agroforest.listen.routes import build_mqtt_source
from agroforest.listen.secret import resolve_secret
from agroforest.listen.settings import BrokerSection

_LOG = logging.getLogger(__name__)

#: Messages that an MQTT 5 broker may send before the first is acknowledged; they
#: share a flush. Arbitrary; brokers have limits of their own (Mosquitto: 20).
_RECEIVE_MAXIMUM = 500
#: Seconds between attempts to connect.
_FIRST_PAUSE, _LONGEST_PAUSE = 1, 30
#: Seconds between looks whether we are to end. Arbitrary.
_LOOK_S = 0.5
_DAY_S = 86_400
_REFUSED = 0x80


class Subscriber:
    """Takes what a broker has for us, from `start` until `close`.

    Parameters
    ----------
    settings
        The broker.
    inbox
        Where messages go.
    limit
        Longest message that is kept whole, bytes.
    now
        The clock, UTC.

    Raises
    ------
    ConfigurationError
        The password or a certificate is not there.
    """

    def __init__(
        self,
        settings: BrokerSection,
        inbox: Inbox,
        *,
        limit: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._inbox = inbox
        self._limit = limit
        self._now = now
        self._password = _find_password(settings)
        self._context = _build_context(settings)
        self._closing = threading.Event()
        # An acknowledgement names a message by a number that the next connection
        # uses anew: it must never be sent on another connection than its message.
        # The lock is held while one is queued, which must therefore never wait for
        # the client's thread: see `_Network`.
        self._connection = 0
        self._acknowledging = threading.Lock()
        self._client: _Network | None = None
        self.connected = False
        self._thread = threading.Thread(
            target=self._run, name=f"mqtt {self.name}", daemon=True
        )

    def start(self) -> Self:
        """Connect, and connect again whenever the connection is lost."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Disconnect; the broker keeps what comes meanwhile."""
        self._closing.set()
        client = self._client
        if client is not None:
            client.disconnect()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            client = self._build_client()
            host, port = self._settings.address
            self._client = client
            try:
                client.connect_async(
                    host, port, self._settings.keepalive_s, **self._session()
                )
                client.loop_start()
                while not client.ended.wait(_LOOK_S):
                    if self._closing.is_set():  # `close` may have come too early
                        client.disconnect()
            except Exception:  # noqa: BLE001  an address that cannot be, for one
                _LOG.exception("broker %s: connecting afresh", self.name)
            self._closing.wait(_FIRST_PAUSE)

    def _build_client(self) -> "_Network":
        settings = self._settings
        is_five = settings.version == "5"
        client = _Network(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=None if is_five else False,
            protocol=MQTTProtocolVersion.MQTTv5
            if is_five
            else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.ended = threading.Event()
        if settings.user:
            client.username_pw_set(settings.user, self._password)
        if self._context is not None:
            client.tls_set_context(self._context)
        client.reconnect_delay_set(_FIRST_PAUSE, _LONGEST_PAUSE)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _session(self) -> dict[str, Any]:
        """Ask an MQTT 5 broker to keep the session, as 3.1.1 does without words."""
        if self._settings.version != "5":
            return {}
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = int(self._settings.session_days * _DAY_S)
        wishes.ReceiveMaximum = _RECEIVE_MAXIMUM
        return {"clean_start": False, "properties": wishes}

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
            _LOG.error("broker %s: refuses us (%s)", self.name, reason)
            return
        self.connected = True
        _LOG.info("broker %s: connected", self.name)
        filters = [topic.filter for topic in self._settings.topic]
        if self._settings.version == "5":
            # Kept messages are wanted once, not after every lost connection.
            options = SubscribeOptions(
                qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            client.subscribe([(each, options) for each in filters])
        else:
            client.subscribe([(each, 1) for each in filters])

    def _on_connect_fail(self, _client: Client, _data: object) -> None:
        host, port = self._settings.address
        _LOG.warning("broker %s: %s:%d does not answer", self.name, host, port)

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._acknowledging:
            self._connection += 1
        self.connected = False
        if not self._closing.is_set():
            _LOG.warning("broker %s: connection lost (%s)", self.name, reason)

    def _on_subscribe(
        self,
        _client: Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        for topic, reason in zip(self._settings.topic, reasons, strict=False):
            if reason.value >= _REFUSED:
                _LOG.error(
                    "broker %s: refuses topic %s (%s)", self.name, topic.filter, reason
                )

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "?"
        arrival = build_arrival(
            build_mqtt_source(self.name, topic),
            bytes(message.payload),
            received=self._now(),
            limit=self._limit,
        )
        done = partial(
            self._acknowledge, client, self._connection, message.mid, message.qos
        )
        # Waiting here makes the broker wait, which is as it should be.
        self._inbox.submit(arrival, done, patience=None)

    def _acknowledge(self, client: Client, connection: int, mid: int, qos: int) -> None:
        with self._acknowledging:
            if connection == self._connection:
                client.ack(mid, qos)


class _Network(Client):
    """A client in a thread of paho's own, which alone touches the socket.

    Only with such a thread (`loop_start`) is an acknowledgement of another thread
    queued. Without, it is written at once, and a connection that is lost at that
    moment calls `on_disconnect` in the middle of it: each waits for the other.
    """

    #: Set when the thread is at its end.
    ended: threading.Event

    def loop_forever(
        self, timeout: float = 1.0, retry_first_connection: bool = False
    ) -> MQTTErrorCode:
        """Run, as paho's thread does; what a broker sends must not end us silently."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception:  # noqa: BLE001  there is no end to what a broker can send
            _LOG.exception("an MQTT client failed")
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        finally:
            self.ended.set()


def _find_password(settings: BrokerSection) -> str | None:
    if not (settings.password_env or settings.password_file):
        return None
    return resolve_secret(
        f"broker {settings.name}", settings.password_env, settings.password_file
    )


def _build_context(settings: BrokerSection) -> ssl.SSLContext | None:
    tls = settings.tls
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"broker {settings.name}",
            f"its certificates cannot be read ({error})",
            "give PEM files",
        ) from error
    return context

"""The listener's settings, read from TOML.

::

    database = "agroforest.db"  # or postgresql://…; the work folder's unless given
    device = "LSE01"  # for messages that do not name their device

    [spool]
    folder = "spool"  # beside this file; in the work folder unless given
    keep_days = 30

    [[broker]]
    name = "farm"
    host = "eu1.cloud.thethings.network"
    user = "app@ttn"
    password_env = "FARM_PASSWORD"  # or password_file
    tls = { ca = "ca.pem" }  # {}: the authorities of this machine
    topic = [{ filter = "v3/+/devices/+/up", kind = "ttn" }]

    [webhook]
    port = 8466
    token_file = "token"
    path = [{ path = "/ttn", kind = "ttn" }]

    [devices.a840411234567890]  # as in a mapping for uplinks
    device = "DL-SMTP"
    levels_m = [0.05, 0.15]

    [mappings.gateway]  # kind = "json", mapping = "gateway"
    sensor = "id"
    time = "ts"
    value = [{ field = "soil.moisture", variable = "soil_moisture", unit = "%" }]

    [datastreams.7]  # kind = "sensorthings": by @iot.id
    sensor = "farm:3"
    variable = "soil_moisture"
    unit = "%"
    depth_m = 0.1
"""

from collections.abc import Mapping as Table
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.listen.meaning import DatastreamSection, ObjectMapping
from agroforest.listen.secret import is_local
from agroforest.sensors.decoders.layout import DeviceLayout
from agroforest.sensors.mapping import DeviceSection, Mapping

_Name = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _refuse_secret(document: object) -> object:
    """Refuse a secret in the file before a message could show it."""
    if isinstance(document, dict) and _INLINE & document.keys():
        raise ValueError(
            "a secret does not belong into this file; name an environment variable "
            "or another file (password_env, password_file, token_env, token_file)"
        )
    return document


_INLINE = {"password", "token", "secret"}


class Kind(StrEnum):
    """What a message is."""

    TTN = "ttn"  #: The Things Stack, version 3
    CHIRPSTACK = "chirpstack"  #: ChirpStack 4 (3 is understood too)
    JSON = "json"  #: an object with a mapping; without one, an uplink
    SENSORTHINGS = "sensorthings"  #: Observations of OGC SensorThings 1.1


class Route(_Section):
    """How messages of one source are read."""

    kind: Kind
    mapping: str = ""
    """Name of one of ``[mappings]``, for ``json``."""

    @model_validator(mode="after")
    def _mapping_fits(self) -> Self:
        if self.mapping and self.kind is not Kind.JSON:
            raise ValueError(f"a mapping is for json, not for {self.kind}")
        return self


class TopicSection(Route):
    """``[[broker.topic]]``: what to subscribe to."""

    filter: Annotated[str, Field(min_length=1, max_length=1024)]


class PathSection(Route):
    """``[[webhook.path]]``: where to post to."""

    path: Annotated[str, Field(pattern=r"^/[\w./-]{1,128}$")]


class TlsSection(_Section):
    """``tls``: a connection that nobody else can read."""

    ca: Path | None = None
    """PEM of the authority; those of this machine unless given."""
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")
        return self


class BrokerSection(_Section):
    """``[[broker]]``: an MQTT broker."""

    name: _Name
    host: _Text
    port: _Port | None = None
    """8883 with TLS, 1883 without, unless given."""
    version: Annotated[str, Field(pattern=r"^(3\.1\.1|5)$")] = "5"
    client_id: _Name = "agroforest-listener"
    """The broker keeps messages for this name while we are away."""
    session_days: Annotated[float, Field(gt=0, le=365)] = 30.0
    """How long it does so; MQTT 5."""
    keepalive_s: Annotated[int, Field(ge=5, le=3600)] = 60
    user: str = ""
    password_env: str = ""
    password_file: Path | None = None
    tls: TlsSection | None = None
    insecure: bool = False
    """Allow a password without TLS beyond this machine."""
    topic: Annotated[tuple[TopicSection, ...], Field(min_length=1)]

    _no_secret = model_validator(mode="before")(_refuse_secret)

    @model_validator(mode="after")
    def _keeps_its_secret(self) -> Self:
        if self.password_env and self.password_file:
            raise ValueError("give password_env or password_file, not both")
        secret = bool(self.password_env or self.password_file)
        if secret and not self.user:
            raise ValueError("a password needs a user")
        if secret and not (self.tls or self.insecure or is_local(self.host)):
            raise ValueError(
                "the password would be sent in the clear; add tls, or insecure = true"
            )
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (8883 if self.tls else 1883)


class WebhookSection(_Section):
    """``[webhook]``: where network servers post to."""

    host: _Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8466
    """0: any that is free."""
    token_env: str = ""
    token_file: Path | None = None
    tls: TlsSection | None = None
    """Its certificate and key; ``ca`` is for clients' certificates."""
    insecure: bool = False
    """Allow plain HTTP beyond this machine."""
    path: tuple[PathSection, ...] = (
        PathSection(path="/ttn", kind=Kind.TTN),
        PathSection(path="/chirpstack", kind=Kind.CHIRPSTACK),
        PathSection(path="/json", kind=Kind.JSON),
        PathSection(path="/sensorthings", kind=Kind.SENSORTHINGS),
    )

    _no_secret = model_validator(mode="before")(_refuse_secret)

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if bool(self.token_env) == bool(self.token_file):
            raise ValueError("give either token_env or token_file")
        if self.tls is not None and self.tls.certificate is None:
            raise ValueError("tls of a webhook needs a certificate and a key")
        if not (self.tls or self.insecure or is_local(self.host)):
            raise ValueError(
                "the token would be sent in the clear; add tls, or insecure = true"
            )
        return self


class SpoolSection(_Section):
    """``[spool]``: where messages are kept as they came."""

    folder: Path | None = None
    segment_mb: Annotated[float, Field(gt=0, le=1024)] = 16.0
    keep_days: Annotated[float, Field(ge=0)] = 30.0
    """Decoded messages can be decoded again for so long."""


class ListenSettings(_Section):
    """A whole file of settings."""

    database: str = ""
    max_message_kb: Annotated[float, Field(gt=0, le=16_384)] = 256.0
    """Of a longer message only the head is kept, and it is not decoded."""
    spool: SpoolSection = SpoolSection()
    broker: tuple[BrokerSection, ...] = ()
    webhook: WebhookSection | None = None
    device: str = ""
    firmware: str | None = None
    depth_m: float | None = None
    levels_m: tuple[float, ...] = ()
    devices: Table[str, DeviceSection] = {}
    layouts: Table[str, DeviceLayout] = {}
    mappings: Table[str, ObjectMapping] = {}
    datastreams: Table[str, DatastreamSection] = {}

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [broker.name for broker in self.broker]
        if len(set(names)) != len(names):
            raise ValueError(f"two brokers have one name: {', '.join(names)}")
        routes: list[Route] = [t for b in self.broker for t in b.topic]
        routes += self.webhook.path if self.webhook is not None else ()
        for route in routes:
            if route.mapping and route.mapping not in self.mappings:
                raise ValueError(f"there is no mapping {route.mapping!r}")
        return self

    @property
    def max_message_bytes(self) -> int:
        """Longest message that is decoded."""
        return int(self.max_message_kb * 1024)

    @property
    def uplinks(self) -> Mapping:
        """What is known of LoRaWAN devices."""
        return Mapping(
            device=self.device,
            firmware=self.firmware,
            depth_m=self.depth_m,
            levels_m=self.levels_m,
            devices=self.devices,
            layouts=self.layouts,
        )


def read_listen_settings(path: Path) -> ListenSettings:
    """Read a file of settings; relative paths in it start from its folder.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    settings = read_settings(path, ListenSettings, manual="docs/listener.md")
    here = path.absolute().parent
    folder = settings.spool.folder
    spool = settings.spool.model_copy(
        update={"folder": None if folder is None else here / folder}
    )
    brokers = tuple(
        broker.model_copy(
            update={
                "password_file": _from(here, broker.password_file),
                "tls": _place_tls(here, broker.tls),
            }
        )
        for broker in settings.broker
    )
    webhook = settings.webhook
    if webhook is not None:
        webhook = webhook.model_copy(
            update={
                "token_file": _from(here, webhook.token_file),
                "tls": _place_tls(here, webhook.tls),
            }
        )
    return settings.model_copy(
        update={"spool": spool, "broker": brokers, "webhook": webhook}
    )


def _from(here: Path, path: Path | None) -> Path | None:
    return None if path is None else here / path


def _place_tls(here: Path, tls: TlsSection | None) -> TlsSection | None:
    if tls is None:
        return None
    return TlsSection(
        ca=_from(here, tls.ca),
        certificate=_from(here, tls.certificate),
        key=_from(here, tls.key),
    )

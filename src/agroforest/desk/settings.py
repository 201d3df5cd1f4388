"""Settings of the desk: ``desk.toml``.

::

    title_zh = "昆明市林业和草原局"
    title_en = "Kunming forestry bureau"
    time_zone = "Asia/Shanghai"
    counties = "data/counties.geojson"
    pipelines = ["pipelines/*.toml"]

    [web]
    hosts = ["desk.example.cn"]

    [notify]
    link = "https://desk.example.cn"

Relative paths start at the file's folder. Channels and their secrets are explained in
docs/messages.md, the rest in docs/review.md.
"""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from agroforest.core.config import read_settings
from agroforest.core.sections import Section
from agroforest.notify.settings import NotifySection

_Language = Literal["zh", "en"]


class OidcSection(Section):
    """``[web.oidc]``: log in with the accounts of one's organisation.

    The desk's own accounts say what everybody may do; the other side only says who
    they are.
    """

    issuer: Annotated[str, Field(pattern=r"^https?://")]
    """Address of the provider; ``/.well-known/openid-configuration`` is below it."""
    client_id: Annotated[str, Field(min_length=1)]
    secret_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
    """Name of the environment variable with the client's secret."""
    redirect_url: Annotated[str, Field(pattern=r"^https?://")]
    """``https://desk.example.cn/login/oidc/back``, as the provider knows it."""
    claim: str = "preferred_username"
    """What of their token is the name of an account here."""


class WebSection(Section):
    """``[web]``: how the desk is served."""

    hosts: tuple[str, ...] = ()
    """Names it answers to; every name if empty."""
    secure: bool = True
    """Whether browsers reach it by HTTPS; its cookies then ask for that."""
    idle_minutes: Annotated[int, Field(ge=1, le=10_080)] = 120
    """After so long without use a session ends."""
    session_hours: Annotated[int, Field(ge=1, le=720)] = 12
    """After so long it ends in any case."""
    login_burst: Annotated[int, Field(ge=1, le=1000)] = 8
    """Log-ins that fail at once before the next has to wait."""
    login_hourly: Annotated[float, Field(gt=0, le=100_000)] = 30.0
    """Log-ins that fail an hour in the long run."""
    sensorthings: Literal["off", "login", "open"] = "login"
    """Who may read sensors and readings by SensorThings: nobody, whoever shows a
    token or a session, or everybody."""
    api: Literal["login", "open"] = "login"
    """Who may read how the API is to be used; using it needs a token or a session."""
    oidc: OidcSection | None = None
    """Where people log in instead; nobody does unless given."""


class PublicSection(Section):
    """``[public]``: warnings that others pass on, CAP messages and a feed of them.

    They tell of verdicts that stand and of fires, in cells of 0.01°, and are served
    under ``/cap``, the feed as ``/cap/feed.atom``.
    """

    sender: Annotated[str, Field(pattern=r"^[!-%'-+\--;=-~]+$")]
    """Who warns, unique worldwide: ``alerts@forestry.example``."""
    name_zh: str = ""
    name_en: str = ""
    """Of the bureau; the desk's title unless given."""
    contact: str = ""
    """For the public; nobody unless given."""
    link: Annotated[str, Field(pattern=r"^(https?://[A-Za-z0-9.:/_~\[\]-]+)?$")] = ""
    """Address under which the public finds the messages."""
    open: bool = False
    """Whether everybody may read them; whoever logs in may in any case."""


class DeskSettings(Section):
    """Everything that the desk is told."""

    title_zh: str = "农林预警研判台"
    title_en: str = "Agroforest review desk"
    """Name of the desk, or of who runs it."""
    time_zone: str = "Asia/Shanghai"
    """Of what people read on pages."""
    languages: Annotated[tuple[_Language, ...], Field(min_length=1)] = ("zh", "en")
    """Offered, the first to whoever has not chosen."""
    counties: Path | None = None
    """Polygons of counties, as ``[fire]`` of a pipeline takes them."""
    datum: Literal["", "wgs84", "gcj02"] = ""
    """Of the counties; must be said where it cannot be told."""
    pipelines: tuple[str, ...] = ()
    """Patterns of the definitions of nights whose alerts come to this desk; they name
    parcels and compartments, and say what is simulated."""
    tell_days: Annotated[int, Field(ge=0, le=3660)] = 7
    """Nobody is written to about changes of nights longer ago."""
    web: WebSection = WebSection()
    notify: NotifySection = NotifySection()
    public: PublicSection | None = None
    """Warnings for the public; there are none unless given."""

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone, such as Asia/Shanghai") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        """Time zone."""
        return ZoneInfo(self.time_zone)


def read_desk(path: Path | None) -> DeskSettings:
    """Read the settings of a desk; the defaults where there is no file.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    if path is None:
        return DeskSettings()
    settings = read_settings(path, DeskSettings, manual="docs/review.md")
    here = path.parent
    counties = settings.counties
    return settings.model_copy(
        update={
            "counties": None if counties is None else here / counties,
            "pipelines": tuple(str(here / pattern) for pattern in settings.pipelines),
        }
    )

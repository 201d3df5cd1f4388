"""Settings of ``agroforest valve``: limits, valves and how their devices speak.

::

    enabled = false            # nothing is ever sent
    day_m3 = 60.0              # all valves together

    [broker]
    host = "127.0.0.1"

    [weather]
    file = "weather.csv"       # time, rain_mm, wind_ms; hours past and ahead
    rain_forecast_mm = 5.0
    wind_ms = 8.0

    [valve.north]
    name = "北田 North"
    parcel = "p3"              # that it waters
    rated_m3h = 12.0
    day_m3 = 30.0
    longest_minutes = 120
    pause_minutes = 30
    has_timer = true           # it closes by itself at the time in the command
    keeps_ids = true           # and remembers commands, also when its power fails
    command = { topic = "farm/north/command" }
    report = { topic = "farm/north/state" }
"""

from collections.abc import Mapping as Table
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agroforest.core.config import read_settings
from agroforest.listen.settings import BrokerSection, TlsSection, TopicSection
from agroforest.valves.limits import (
    Confirmation,
    Limits,
    ValveLimits,
    WeatherLimits,
)

MANUAL = "docs/valves.md"
_Name = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]
_Topic = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^#+\x00]+$")]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Template = dict[str, Any]

#: What a device is told unless the settings say otherwise.
_OPEN = {
    "action": "open",
    "id": "$order",
    "seconds": "$seconds",
    "until": "$until",
    "sent": "$sent",
}
_CLOSE = {"action": "close", "id": "$order"}
_ASK = {"action": "report"}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ValveBroker(BrokerSection):
    """``[broker]``: the MQTT broker that the devices are on."""

    name: _Name = "valves"
    client_id: _Name = "agroforest-valves"
    topic: tuple[TopicSection, ...] = ()


class CommandSection(_Section):
    """``command``: what a device is told."""

    topic: _Topic
    open: _Template = _OPEN
    close: _Template = _CLOSE
    ask: _Template | None = _ASK
    """``None`` for a device that reports of itself and cannot be asked."""

    @model_validator(mode="after")
    def _carries_its_end(self) -> Self:
        words = set(_find_words(self.open))
        if not words & {"$seconds", "$minutes"} or not words & {
            "$until",
            "$until_unix",
        }:
            raise ValueError(
                "open must carry $seconds (or $minutes) and $until (or $until_unix): "
                "the device closes by them when nobody else does"
            )
        return self


class ReportSection(_Section):
    """``report``: what a device says; names within names with dots."""

    topic: _Topic
    time: str = "time"
    time_format: Annotated[str, Field(pattern=r"^(iso|unix|unix_ms)$")] = "iso"
    open: str = "open"
    open_words: tuple[bool | int | str, ...] = (True, 1, "open", "OPEN", "on", "ON")
    closed_words: tuple[bool | int | str, ...] = (
        *(False, 0, "closed", "CLOSED", "close", "off", "OFF"),
    )
    flow: str = "flow_m3h"
    """Empty for a device without a meter, like the next."""
    flow_factor: _Positive = 1.0
    """Makes m³/h of it: 0.06 for litres a minute."""
    meter: str = "meter_m3"
    meter_factor: _Positive = 1.0
    """Makes m³ of it: 0.001 for litres."""
    command: str = "command"
    """Last command that it obeyed or refused; empty if it keeps none."""


class ValveSection(_Section):
    """``[valve.ID]``."""

    name: str = ""
    parcel: str = ""
    """Id of the parcel that it waters, for advice; empty for none."""
    rated_m3h: _Positive
    day_m3: _Positive
    longest_minutes: _Positive
    pause_minutes: _NotNegative = 30.0
    has_timer: bool = False
    keeps_ids: bool = False
    confirmation: Confirmation = Confirmation.FLOW
    moisture_sensor: str = ""
    command: CommandSection
    report: ReportSection

    @model_validator(mode="after")
    def _can_be_confirmed(self) -> Self:
        if self.confirmation is Confirmation.FLOW and not self.report.flow:
            raise ValueError(
                "flow cannot confirm without report.flow; "
                'write confirmation = "moisture" and moisture_sensor'
            )
        if self.confirmation is Confirmation.MOISTURE and not self.moisture_sensor:
            raise ValueError("moisture cannot confirm without moisture_sensor")
        if self.keeps_ids and not self.report.command:
            raise ValueError("keeps_ids needs report.command: the id in its reports")
        return self

    def limits(self, name: str) -> ValveLimits:
        """Limits of the valve."""
        return ValveLimits(
            name=self.name or name,
            rated_m3h=self.rated_m3h,
            day_m3=self.day_m3,
            longest_s=int(self.longest_minutes * 60),
            pause_s=int(self.pause_minutes * 60),
            has_timer=self.has_timer,
            keeps_ids=self.keeps_ids,
            confirmation=self.confirmation,
            moisture_sensor=self.moisture_sensor,
        )


class WeatherSection(_Section):
    """``[weather]``: lockouts; one that is left out is off."""

    file: Path | None = None
    """CSV: time, rain_mm, wind_ms; an hour a line."""
    gauges: tuple[str, ...] = ()
    """Rain gauges among the sensors; the wettest counts."""
    ahead_hours: _Positive = 24.0
    past_hours: _Positive = 24.0
    age_hours: _Positive = 6.0
    rain_forecast_mm: _Positive | None = None
    rain_measured_mm: _Positive | None = None
    wind_ms: _Positive | None = None

    @model_validator(mode="after")
    def _has_what_it_asks(self) -> Self:
        by_file = self.rain_forecast_mm is not None or self.wind_ms is not None
        if by_file and self.file is None:
            raise ValueError("rain_forecast_mm and wind_ms need file")
        if self.rain_measured_mm is not None and not (self.file or self.gauges):
            raise ValueError("rain_measured_mm needs gauges or file")
        return self


class ValveSettings(_Section):
    """A whole file of settings."""

    enabled: bool = False
    """Nothing is ever sent unless it is true."""
    database: str = ""
    day_m3: _Positive
    """The most a day through all valves together, m³."""
    utc_offset_hours: Annotated[float, Field(ge=-12, le=14)] = 8.0
    """Of the days that are counted."""
    approval_minutes: _Positive = 30.0
    clock_seconds: Annotated[float, Field(gt=0, le=60)] = 60.0
    """How far a device's clock may be off; a minute at most."""
    fresh_seconds: _Positive = 120.0
    sensor_age_hours: _Positive = 6.0
    confirm_seconds: _Positive = 120.0
    retry_seconds: _Positive = 15.0
    tries: Annotated[int, Field(ge=1, le=100)] = 5
    settle_seconds: _NotNegative = 30.0
    leak_m3h: _NotNegative = 0.05
    broker: ValveBroker
    weather: WeatherSection = WeatherSection()
    valve: Annotated[Table[_Name, ValveSection], Field(min_length=1)]

    @model_validator(mode="after")
    def _topics_are_apart(self) -> Self:
        topics = [each.report.topic for each in self.valve.values()]
        if len(set(topics)) != len(topics):
            raise ValueError(f"two valves report on one topic: {', '.join(topics)}")
        commands = {each.command.topic for each in self.valve.values()}
        if commands & set(topics):
            raise ValueError("a topic is both of commands and of reports")
        return self

    @model_validator(mode="after")
    def _parcels_are_apart(self) -> Self:
        parcels = [each.parcel for each in self.valve.values() if each.parcel]
        twice = sorted({each for each in parcels if parcels.count(each) > 1})
        if twice:
            raise ValueError(
                f"two valves name the parcel {', '.join(twice)}: its advice would be "
                "proposed twice"
            )
        return self

    @property
    def limits(self) -> Limits:
        """What the interlock holds valves to."""
        weather = self.weather
        return Limits(
            enabled=self.enabled,
            valves={name: each.limits(name) for name, each in self.valve.items()},
            day_m3=self.day_m3,
            utc_offset_hours=self.utc_offset_hours,
            approval_s=self.approval_minutes * 60,
            clock_s=self.clock_seconds,
            fresh_s=self.fresh_seconds,
            sensor_age_s=self.sensor_age_hours * 3600,
            confirm_s=self.confirm_seconds,
            retry_s=self.retry_seconds,
            tries=self.tries,
            settle_s=self.settle_seconds,
            leak_m3h=self.leak_m3h,
            weather=WeatherLimits(
                rain_forecast_mm=weather.rain_forecast_mm,
                rain_measured_mm=weather.rain_measured_mm,
                wind_ms=weather.wind_ms,
                age_s=weather.age_hours * 3600,
            ),
        )


def read_valve_settings(path: Path) -> ValveSettings:
    """Read a file of settings; relative paths in it start from its folder.

    Raises
    ------
    ConfigurationError
        One line with the file, the setting, its value and the way out.
    """
    settings = read_settings(path, ValveSettings, manual=MANUAL)
    here = path.absolute().parent
    broker, weather = settings.broker, settings.weather
    tls = broker.tls
    if tls is not None:
        tls = TlsSection(
            ca=_from(here, tls.ca),
            certificate=_from(here, tls.certificate),
            key=_from(here, tls.key),
        )
    secret = _from(here, broker.password_file)
    return settings.model_copy(
        update={
            "broker": broker.model_copy(update={"tls": tls, "password_file": secret}),
            "weather": weather.model_copy(update={"file": _from(here, weather.file)}),
        }
    )


def _from(here: Path, path: Path | None) -> Path | None:
    return None if path is None else here / path


def _find_words(template: object) -> list[str]:
    if isinstance(template, dict):
        return [word for value in template.values() for word in _find_words(value)]
    if isinstance(template, list):
        return [word for value in template for word in _find_words(value)]
    return [template] if isinstance(template, str) else []

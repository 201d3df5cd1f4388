"""What valves may do: the numbers that the interlock holds them to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum


class Confirmation(StrEnum):
    """What shows that a valve is open."""

    FLOW = "flow"
    MOISTURE = "moisture"


@dataclass(frozen=True, kw_only=True, slots=True)
class ValveLimits:
    """Of one valve.

    Attributes
    ----------
    name
        As people call it.
    rated_m3h
        The most that can flow through it when open, cubic metres an hour. What is
        not metered is counted with it, so it must not be too small.
    day_m3
        The most a day, cubic metres.
    longest_s
        The longest opening, seconds.
    pause_s
        The shortest time between two openings, seconds.
    has_timer
        True if the device closes by itself at the time in the command. Without, it
        is never opened.
    keeps_ids
        True if the device remembers the ids of commands, also when its power fails:
        only then is a command repeated, or an early closing believed.
    confirmation
        What shows that it is open.
    moisture_sensor
        Probe whose rise confirms.
    """

    name: str
    rated_m3h: float
    day_m3: float
    longest_s: int
    pause_s: int = 0
    has_timer: bool = False
    keeps_ids: bool = False
    confirmation: Confirmation = Confirmation.FLOW
    moisture_sensor: str = ""

    def worst_m3(self, seconds: float) -> float:
        """Cubic metres that flow at most in so many seconds."""
        return self.rated_m3h * seconds / 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherLimits:
    """When it is too wet or too windy; ``None`` switches a rule off.

    Attributes
    ----------
    rain_forecast_mm, rain_measured_mm
        Rain from which valves stay closed, millimetres, in the hours ahead and past
        that the settings name.
    wind_ms
        Wind likewise, metres a second.
    age_s
        Older weather is no weather: seconds.
    """

    rain_forecast_mm: float | None = None
    rain_measured_mm: float | None = None
    wind_ms: float | None = None
    age_s: float = 6 * 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Of all valves. Every default time is arbitrary.

    Attributes
    ----------
    enabled
        False: nothing is ever sent.
    valves
        By id.
    day_m3
        The most a day through all valves together, cubic metres.
    utc_offset_hours
        Of the days that are counted.
    approval_s
        How long an approval is good for, seconds.
    clock_s
        How far a device's clock may be off, seconds.
    fresh_s
        How old a valve's last report may be when it is opened, seconds.
    sensor_age_s
        How old the readings behind an order may be, seconds.
    confirm_s
        How soon flow must show after the command, seconds.
    retry_s
        Between two commands of the same kind, seconds.
    tries
        How often an opening is sent at most.
    settle_s
        How long after closing the pipe may still drip, seconds.
    leak_m3h
        Flow through a closed valve that counts as none, cubic metres an hour.
    weather
        Lockouts.
    """

    enabled: bool = False
    valves: Mapping[str, ValveLimits] = field(default_factory=dict)
    day_m3: float
    utc_offset_hours: float = 8.0
    approval_s: float = 1800.0
    clock_s: float = 60.0
    fresh_s: float = 120.0
    sensor_age_s: float = 6 * 3600.0
    confirm_s: float = 120.0
    retry_s: float = 15.0
    tries: int = 5
    settle_s: float = 30.0
    leak_m3h: float = 0.05
    weather: WeatherLimits = WeatherLimits()

    def day(self, moment: datetime) -> date:
        """Day on which water that flows at a moment counts."""
        zone = timezone(timedelta(hours=self.utc_offset_hours))
        return moment.astimezone(zone).date()

    def days(self, start: datetime, end: datetime) -> list[date]:
        """Find the days that the time from `start` to `end` touches."""
        first, last = self.day(start), self.day(end)
        return [first + timedelta(days=i) for i in range((last - first).days + 1)]

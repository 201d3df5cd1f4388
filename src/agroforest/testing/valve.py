"""A simulated valve with a meter, and the field that it waters.

The valve obeys commands, and knows what truly flowed; the field gets wet by it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """A time that a valve was truly open.

    Attributes
    ----------
    start, end
        By the true clock.
    order
        Id of the command; empty if opened by hand.
    until
        Closing time that the command carried.
    """

    start: datetime
    end: datetime
    order: str
    until: datetime


@dataclass(kw_only=True, slots=True)
class SimulatedValve:
    """A device as `docs/valves.md` wants it.

    It closes at the time in the command or after the seconds in it, whichever comes
    first; obeys an id once, also when its power failed in between; does not open after
    the closing time; and closes when its power fails.

    Attributes
    ----------
    name
        Id.
    flow_m3h
        What flows when it is open.
    now
        True time, up to which it was simulated.
    skew_s
        How far its clock is ahead, seconds.
    meter_m3
        All that ever flowed.
    keeps_ids
        False: it obeys every command as if it were new, and names none.
    openings
        When it was truly open; the last one may not be over.
    """

    name: str
    flow_m3h: float
    now: datetime
    skew_s: float = 0.0
    meter_m3: float = 0.0
    keeps_ids: bool = True
    openings: list[Opening] = field(default_factory=list)
    command: str = ""
    _ids: set[str] = field(default_factory=set)
    _open: Opening | None = None
    _closes: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether water flows."""
        return self._open is not None

    def advance(self, now: datetime) -> None:
        """Let time pass, up to `now` by the true clock."""
        if now <= self.now:
            return
        if self._open is not None and self._closes is not None:
            end = min(now, max(self._closes, self.now))
            self._flow(end)
            if self._closes <= now:
                self._shut()
        self.now = now

    def receive(self, command: dict[str, Any], now: datetime) -> None:
        """Obey a command, or refuse it."""
        self.advance(now)
        name = str(command.get("id", ""))
        match command.get("action"):
            case "open":
                self._receive_open(command, name)
            case "close":
                self._shut()
                if name:
                    self._ids.add(name)
                    self.command = name

    def open_by_hand(self, now: datetime, *, seconds: float = 86_400) -> None:
        """Somebody opens it at the valve."""
        self.advance(now)
        if self._open is None:
            self._begin("", now + timedelta(seconds=seconds), seconds)
            self.command = ""

    def cut_power(self, now: datetime) -> None:
        """Cut its power: a spring closes it; ids and meter are kept."""
        self.advance(now)
        self._shut()

    def report(self, now: datetime) -> dict[str, Any]:
        """Say what is the case, by its own clock."""
        self.advance(now)
        return {
            "time": self._clock(now).isoformat(),
            "open": self.is_open,
            "flow_m3h": self.flow_m3h if self.is_open else 0.0,
            "meter_m3": self.meter_m3,
            "command": self.command if self.keeps_ids else "",
        }

    def drawn_on(self, start: datetime, end: datetime) -> float:
        """Cubic metres that truly flowed between two times."""
        spans = list(self.openings)
        if self._open is not None:
            spans.append(self._open)
        seconds = sum(
            max(0.0, (min(s.end, end) - max(s.start, start)).total_seconds())
            for s in spans
        )
        return self.flow_m3h * seconds / 3600

    def _receive_open(self, command: dict[str, Any], name: str) -> None:
        if self.keeps_ids and name in self._ids:
            return
        self._ids.add(name)
        self.command = name
        until = datetime.fromisoformat(command["until"])
        clock = self._clock(self.now)
        if clock >= until:
            return
        if self._open is not None:
            if self.keeps_ids:
                return
            self._shut()  # and begins anew
        seconds = min(float(command["seconds"]), (until - clock).total_seconds())
        self._begin(name, until, seconds)

    def _begin(self, name: str, until: datetime, seconds: float) -> None:
        self._open = Opening(start=self.now, end=self.now, order=name, until=until)
        self._closes = self.now + timedelta(seconds=seconds)

    def _flow(self, end: datetime) -> None:
        if self._open is None:
            return
        self.meter_m3 += self.flow_m3h * (end - self._open.end).total_seconds() / 3600
        self._open = Opening(
            start=self._open.start,
            end=end,
            order=self._open.order,
            until=self._open.until,
        )

    def _shut(self) -> None:
        if self._open is not None:
            self.openings.append(self._open)
        self._open = self._closes = None

    def _clock(self, now: datetime) -> datetime:
        return (now + timedelta(seconds=self.skew_s)).astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedField:
    """Soil under a valve: a bucket that what flows fills, and days empty.

    Attributes
    ----------
    valve
        What waters it.
    square_metres
        Its area.
    root_m
        Depth of the bucket, metres.
    start
        When it held `dry`.
    dry, full
        Soil moisture at the start, and the most it holds, m3/m3.
    day_mm
        What leaves it a day, millimetres.
    """

    valve: SimulatedValve
    square_metres: float
    root_m: float
    start: datetime
    dry: float = 0.18
    full: float = 0.42
    day_mm: float = 4.0

    def moisture(self, now: datetime) -> float:
        """Soil moisture, m3/m3, as a probe without noise measures it."""
        self.valve.advance(now)
        given_m = self.valve.drawn_on(self.start, now) / self.square_metres
        gone_m = self.day_mm / 1000 * (now - self.start).total_seconds() / 86_400
        wet = self.dry + (given_m - gone_m) / self.root_m
        return min(self.full, max(0.0, wet))

"""The controller: what happened goes to `life.step`, is kept, and then is done."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from agroforest.core.errors import SourceError
from agroforest.core.valve import WAITING, Stage
from agroforest.store import Store
from agroforest.valves.life import step
from agroforest.valves.limits import Limits
from agroforest.valves.link import Link
from agroforest.valves.look import look_around
from agroforest.valves.settings import ValveSettings
from agroforest.valves.surroundings import Surroundings
from agroforest.valves.turn import (
    Action,
    CloseValve,
    Event,
    Heard,
    RaiseAlarm,
    Restarted,
    SendOpen,
    Step,
    Tick,
)

_LOG = logging.getLogger(__name__)

#: Seconds between looks at what is due. A closing is asked for that late at most.
TICK_S = 1.0
#: Seconds between looks at probes and weather, and while something waits to be opened.
_LOOK_S, _LOOK_SOON_S = 30.0, 5.0

Tell = Callable[[Action], None]


def decide(
    store: Store,
    event: Event,
    limits: Limits,
    *,
    now: datetime,
    orders: tuple[str, ...] = (),
) -> Step:
    """Decide on an event and keep what was decided.

    What is to be sent is in the result, and may be sent now.

    Parameters
    ----------
    store
        Keeps facts and audit.
    event, limits, now
        As for `step`.
    orders
        Ids that the event speaks of.
    """
    act = partial(step, event=event, now=now, limits=limits)
    return store.decide_valves(act, now, orders=orders)


class Controller:
    """Watches valves until it is told to stop.

    Parameters
    ----------
    settings
        Limits and valves.
    store
        Keeps facts, audit and readings.
    link
        To the devices.
    tell
        Called with everything that is done, and every alarm.
    now
        The clock, UTC.
    tick_s
        Seconds between looks at what is due.
    """

    def __init__(
        self,
        settings: ValveSettings,
        store: Store,
        link: Link,
        *,
        tell: Tell = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tick_s: float = TICK_S,
    ) -> None:
        self._tick_s = tick_s
        self._settings = settings
        self._limits = settings.limits
        self._store = store
        self._link = link
        self._tell = tell
        self._now = now
        self._around = Surroundings()
        self._looked: float | None = None
        self._was_connected = False

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set; valves that are open then close by themselves."""
        self._link.start()
        try:
            due = time.monotonic()
            while not stop.is_set():
                report = self._link.next(max(0.0, due - time.monotonic()))
                if report is not None:
                    self.do(Heard(report=report))
                if time.monotonic() >= due:
                    due = time.monotonic() + self._tick_s
                    self._tick()
        finally:
            self._link.close()

    def do(self, event: Event) -> None:
        """Decide, keep, then send; a database that does not answer sends nothing."""
        try:
            done = decide(self._store, event, self._limits, now=self._now())
        except SourceError as error:
            _LOG.warning("%s", error)
            return
        self.carry_out(done)

    def carry_out(self, done: Step) -> None:
        """Send what a step gave."""
        for action in done.actions:
            self._tell(action)
            is_said_only = isinstance(action, RaiseAlarm) or (
                isinstance(action, SendOpen) and action.rehearsal
            )
            # The step sends nothing either when not enabled; twice is safer.
            if not is_said_only and self._limits.enabled:
                self._link.send(action)  # type: ignore[arg-type]

    def _tick(self) -> None:
        connected = self._link.connected
        if connected and not self._was_connected:
            self.do(Restarted())
        self._was_connected = connected
        try:
            self._look()
        except SourceError as error:
            _LOG.warning("%s", error)
            return
        self.do(Tick(around=self._around))

    def _look(self) -> None:
        """Look around now and then, and soon where something is to be opened."""
        now = self._now()
        orders = self._store.valve_facts(now).orders.values()
        waiting = [order for order in orders if order.stage in WAITING]
        approved = any(order.stage is Stage.APPROVED for order in waiting)
        sensors = {name for order in waiting for name in order.sensors}
        passed = None if self._looked is None else time.monotonic() - self._looked
        if (
            passed is None
            or passed >= (_LOOK_SOON_S if approved else _LOOK_S)
            or not sensors <= self._around.sensors.keys()
        ):
            self._around = look_around(self._store, self._settings, sensors, now)
            self._looked = time.monotonic()


def close_now(
    settings: ValveSettings,
    store: Store,
    link: Link,
    event: CloseValve,
    *,
    patience_s: float,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> tuple[Step, bool]:
    """Close a valve on a person's word, without waiting for the controller.

    Returns
    -------
    tuple
        The step, and whether the command went out. If not, the controller sends it.
    """
    done = decide(store, event, settings.limits, now=now())
    commands = [a for a in done.actions if not isinstance(a, RaiseAlarm | SendOpen)]
    if not settings.enabled or not commands:
        return done, False
    link.start()
    try:
        end = time.monotonic() + patience_s
        while not link.connected and time.monotonic() < end:
            link.next(0.05)
        sent = [link.send(command) for command in commands]
        return done, all(sent) and link.flush(patience_s)
    finally:
        link.close()

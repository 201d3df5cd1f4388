"""Proposing what the advice of a night wants, and telling what valves gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.identity import digest
from agroforest.core.valve import Order, Stage
from agroforest.store import Store
from agroforest.valves.advised import ADVISED, NightAdvice, find_wish
from agroforest.valves.control import decide
from agroforest.valves.interlock import Objection, find_lasting, find_objections
from agroforest.valves.look import look_around
from agroforest.valves.settings import ValveSettings
from agroforest.valves.surroundings import SensorWord, Surroundings
from agroforest.valves.turn import Propose, Withdraw

#: Advice that is older is no reason to open a valve: a night's, until the evening of
#: the day after. Arbitrary.
_OLDEST = timedelta(hours=36)
#: What the audit calls a command that was sent (`agroforest.valves.opening`).
_OPENED = "open"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What became of one valve's advice.

    Attributes
    ----------
    valve, parcel
        Ids.
    order
        As it is now; ``None`` where nothing is proposed.
    known
        Whether it was proposed before, which changed nothing.
    against
        What would speak against opening it now, an approval aside.
    zh, en
        Why nothing is proposed.
    """

    valve: str
    parcel: str
    order: Order | None = None
    known: bool = False
    against: tuple[Objection, ...] = ()
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Water that valves gave to a parcel on a day, cubic metres."""

    parcel: str
    day: date
    m3: float


def propose_advised(
    store: Store, settings: ValveSettings, advice: NightAdvice, *, now: datetime
) -> list[Proposal]:
    """Propose an order for every valve whose parcel is advised to be irrigated.

    An order that a rule speaks against is refused at once, with the reason. What an
    earlier advice proposed for these valves, and nobody has approved, is withdrawn.

    Parameters
    ----------
    store
        Of the valves.
    settings
        Valves that name a parcel.
    advice
        Of a night.
    now
        The moment.

    Raises
    ------
    ConfigurationError
        No valve names a parcel.
    DataError
        The advice is too old.
    """
    parcels = {n: each.parcel for n, each in settings.valve.items() if each.parcel}
    if not parcels:
        raise ConfigurationError(
            "the settings of the valves",
            "say of no valve which parcel it waters",
            'write parcel = "…" below [valve.…], see docs/valves.md',
        )
    if now - advice.moment > _OLDEST:
        days = (now - advice.moment).days
        raise DataError(
            f"the advice of {advice.night}",
            f"is {days} days old",
            "run last night's: agroforest nightly PIPELINE",
        )
    done = [
        _propose(store, settings, advice, valve, parcel, now)
        for valve, parcel in parcels.items()
    ]
    _withdraw_older(store, settings, done, parcels, now)
    return done


def list_given(store: Store, settings: ValveSettings, *, now: datetime) -> list[Given]:
    """List the water of openings that have ended, by parcel and day."""
    sums: dict[tuple[str, date], float] = {}
    for name, section in settings.valve.items():
        if not section.parcel:
            continue
        ids = _find_opened(store, name)
        orders = store.valve_facts(now, orders=ids).orders
        for order in (orders[each] for each in ids if each in orders):
            if order.settled and order.sent is not None and order.m3 > 0:
                key = section.parcel, settings.limits.day(order.sent)
                sums[key] = sums.get(key, 0.0) + order.m3
    return [
        Given(parcel=parcel, day=day, m3=m3)
        for (parcel, day), m3 in sorted(sums.items())
    ]


def _propose(
    store: Store,
    settings: ValveSettings,
    advice: NightAdvice,
    valve: str,
    parcel: str,
    now: datetime,
) -> Proposal:
    limits, last = settings.limits, _find_last(store, valve, now)
    wish = find_wish(valve, parcel, advice, last=last, limits=limits, now=now)
    order = wish.order
    if order is None:
        return Proposal(valve=valve, parcel=parcel, zh=wish.zh, en=wish.en)
    around = _doubt(
        look_around(store, settings, order.sensors, now),
        advice.fields[parcel].doubted,
    )
    facts = store.valve_facts(now, orders=(order.id,))
    held = find_lasting(order, facts, now, limits, around)
    if held and order.id not in facts.orders:
        # Refused for other reasons it is another order; once they are gone it can
        # still be proposed.
        order = order.patch(id=digest(order.id, *sorted({h.rule for h in held})))
        facts = store.valve_facts(now, orders=(order.id,))
    event = Propose(order=order, around=around)
    after = decide(store, event, limits, now=now, orders=(order.id,)).facts
    as_if = after.orders[order.id].patch(approved=now, approved_by="?")
    return Proposal(
        valve=valve,
        parcel=parcel,
        order=after.orders[order.id],
        known=order.id in facts.orders,
        against=find_objections(as_if, after, now, limits, around),
    )


def _doubt(around: Surroundings, doubted: Mapping[str, str]) -> Surroundings:
    """Distrust what the night distrusts; it knows neighbours and calibration."""
    words = dict(around.sensors)
    for name, reason in doubted.items():
        known = words.get(name, SensorWord(time=None))
        if known.time is not None:
            words[name] = SensorWord(time=known.time, trusted=False, reason=reason)
    return Surroundings(sensors=words, weather=around.weather)


def _withdraw_older(
    store: Store,
    settings: ValveSettings,
    done: list[Proposal],
    parcels: Mapping[str, str],
    now: datetime,
) -> None:
    """Withdraw what earlier advice proposed, so that no field is watered twice."""
    current = {each.order.id for each in done if each.order is not None}
    for order in store.valve_facts(now).orders.values():
        if (
            order.stage is Stage.PROPOSED
            and order.proposed_by == ADVISED
            and order.valve in parcels
            and order.id not in current
        ):
            event = Withdraw(order=order.id, by=ADVISED, why="it is advised no longer")
            decide(store, event, settings.limits, now=now, orders=(order.id,))


def _find_last(store: Store, valve: str, now: datetime) -> Order | None:
    """Find the last order for which a valve was told to open, however long ago."""
    ids = _find_opened(store, valve)[-1:]
    orders = store.valve_facts(now, orders=ids).orders
    return orders.get(ids[0]) if ids else None


def _find_opened(store: Store, valve: str) -> list[str]:
    """Ids of orders for which a valve was told to open, oldest first."""
    audit = store.valve_audit(valve=valve)
    return [each.entry.order for each in audit if each.entry.what == _OPENED]

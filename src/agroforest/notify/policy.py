"""Who is told what, and when: events and people in, messages out.

Everybody who is concerned is told of a change once over each of their channels; the
message's key says so, and the outbox keeps one message a key. What is no fire waits for
the end of a person's quiet hours, and what passes a person's quota waits for the day's
digest. Nothing is told again unless it got worse.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from agroforest.core.account import Account, Right, Role
from agroforest.core.identity import digest
from agroforest.core.message import Message, News
from agroforest.core.review import Verdict
from agroforest.core.risk import Hazard
from agroforest.notify.events import Event
from agroforest.notify.facts import show_to
from agroforest.notify.settings import NotifySection
from agroforest.notify.timing import end_quiet, next_digest
from agroforest.notify.told import IN_DIGEST, Told

#: Hexadecimal digits of a message's key; `agroforest.notify.acknowledge` signs them.
KEY_LENGTH = 24
#: Told to those alone who were told before.
_AFTERWARDS = frozenset({News.CANCELLED, News.ENDED})
#: Told before anybody has judged it.
_BEFORE = frozenset({News.RAISED, News.WORSE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What is told, whoever is told.

    Attributes
    ----------
    subject, state, news, urgent, facts
        As on the message.
    """

    subject: str
    state: str
    news: News
    urgent: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, event: Event) -> "Note":
        """Note of an event."""
        return cls(
            subject=event.case.id,
            state=event.state,
            news=event.news,
            urgent=event.urgent,
            facts=event.facts,
        )


def name_message(subject: str, state: str, account: str, channel: str) -> str:
    """Key of a message: the same change to the same person has the same."""
    return digest(subject, state, account, channel, length=KEY_LENGTH)


def plan(
    events: Iterable[Event],
    accounts: Iterable[Account],
    settings: NotifySection,
    now: datetime,
    *,
    told: Collection[Message] = (),
) -> tuple[Message, ...]:
    """Decide who is told what.

    Parameters
    ----------
    events
        What happened, in order.
    accounts
        Everybody.
    settings
        Of messages.
    now
        With a time zone.
    told
        Messages of before: all about the cases of the events, and those of the last
        days to anybody; see `agroforest.notify.told.find_told`.

    Returns
    -------
    tuple of Message
        New ones only, waiting.
    """
    people = sorted(accounts, key=lambda each: each.name)
    known = Told(told, settings.zone)
    return tuple(
        message
        for event in events
        for account in people
        if is_concerned(event, account, settings, known)
        for message in write(Note.of(event), account, settings, now, known)
    )


def is_concerned(
    event: Event, account: Account, settings: NotifySection, told: Told
) -> bool:
    """Whether somebody is to be told of an event."""
    case, wishes = event.case, account.interest
    if account.disabled:
        return False
    if event.to:
        return account.name == event.to
    if not _may_see(event, account):
        return False
    if wishes.hazards and case.hazard not in wishes.hazards:
        return False
    if event.news in _AFTERWARDS:
        return told.was_told(case.id, account.name)
    if event.news in _BEFORE and case.verdict is not Verdict.CONFIRMED:
        return account.role in settings.before_verdict
    return True


def _may_see(event: Event, account: Account) -> bool:
    """Whether it is theirs: a farmer's by parcel, the bureau's by county."""
    case = event.case
    if account.role is Role.FARMER:
        return not set(case.places).isdisjoint(account.parcels)
    # Where a county is not known, nobody's wish for one leaves it out.
    code, wanted = case.county[0], account.interest.counties
    return account.may(Right.SEE_CASES) and (not wanted or not code or code in wanted)


def write(
    note: Note,
    account: Account,
    settings: NotifySection,
    now: datetime,
    told: Told,
) -> list[Message]:
    """Write to somebody who is concerned, over each of their channels.

    Parameters
    ----------
    note
        What.
    account
        To whom.
    settings
        Of messages.
    now
        With a time zone.
    told
        What they know; the new messages are added.

    Returns
    -------
    list of Message
        None that is there already.
    """
    keys = {
        channel: name_message(note.subject, note.state, account.name, channel)
        for channel, section in settings.channels.items()
        if channel in account.contacts and (note.urgent or not section.urgent_only)
    }
    keys = {channel: key for channel, key in keys.items() if not told.has(key)}
    if not keys:
        return []
    due, squeezed = _find_due(note, account, settings, now, told)
    facts = show_to(note.facts, account)
    if squeezed is not None:
        facts[IN_DIGEST] = squeezed.isoformat()
    made = [
        Message(
            key=key,
            subject=note.subject,
            state=note.state,
            news=note.news,
            account=account.name,
            channel=channel,
            created=now,
            due=due,
            urgent=note.urgent,
            facts=facts,
        )
        for channel, key in keys.items()
    ]
    for message in made:
        told.add(message)
    return made


def _find_due(
    note: Note,
    account: Account,
    settings: NotifySection,
    now: datetime,
    told: Told,
) -> tuple[datetime, date | None]:
    """When it may be sent; and the day that has no room, if it is within a digest."""
    if note.urgent:
        return now, None
    wishes, zone = account.interest, settings.zone
    due = end_quiet(wishes.quiet, now, zone)
    if not wishes.digest and told.has_room(account, due):
        return due, None
    digest_at = next_digest(settings.digest_at, now, zone)
    return end_quiet(wishes.quiet, digest_at, zone), due.astimezone(zone).date()


def escalate(
    messages: Collection[Message],
    accounts: Iterable[Account],
    settings: NotifySection,
    now: datetime,
    *,
    handled: Collection[str] = (),
) -> tuple[Message, ...]:
    """Tell the next role of what nobody has read in time.

    Parameters
    ----------
    messages
        Of the last days.
    accounts
        Everybody.
    settings
        Of messages.
    now
        With a time zone.
    handled
        Subjects that somebody has acted on: what was read is not asked of them.

    Returns
    -------
    tuple of Message
        New ones only. A change is told to one role after another; it counts as read
        once anybody has acknowledged a message about it.
    """
    told = Told(messages, settings.zone)
    read = {m.subject for m in messages if m.acknowledged is not None}
    people = sorted(accounts, key=lambda each: each.name)
    made: list[Message] = []
    for first in _find_first(messages):
        if first.subject in read or first.subject in handled:
            continue
        for role in _find_roles(first, settings, now):
            note = Note(
                subject=first.subject,
                state=f"escalated:{role}:{first.state}",
                news=News.ESCALATED,
                urgent=first.urgent,
                facts=first.facts,
            )
            for account in _find_people(first, role, people):
                made += write(note, account, settings, now, told)
    return tuple(made)


def _find_first(messages: Collection[Message]) -> list[Message]:
    """First message of each change that may escalate: the one that shows most."""
    found: dict[tuple[str, str], Message] = {}
    for each in sorted(messages, key=lambda m: (m.due, m.key)):
        if each.news in _BEFORE and not each.facts.get(IN_DIGEST):
            known = found.setdefault((each.subject, each.state), each)
            if _shows(each) > _shows(known):
                found[each.subject, each.state] = each.patch(due=known.due)
    return list(found.values())


def _shows(message: Message) -> tuple[int, int]:
    return len(message.facts), int(message.facts.get("place_count", 0))


def _find_roles(
    message: Message, settings: NotifySection, now: datetime
) -> tuple[Role, ...]:
    """Roles whose turn has come."""
    hazard = message.facts.get("hazard")
    known = {str(each): each for each in Hazard}
    section = settings.escalate.get(known[hazard]) if hazard in known else None
    if section is None:
        return ()
    turns = int((now - message.due) / timedelta(minutes=section.after_minutes))
    return section.to[: max(turns, 0)]


def _find_people(
    message: Message, role: Role, people: Collection[Account]
) -> list[Account]:
    """Those of a role who wish for such; all of them where nobody does."""
    able = [each for each in people if each.role is role and not each.disabled]
    hazard, county = message.facts.get("hazard"), message.facts.get("county_code")
    willing = [
        each
        for each in able
        if (not each.interest.hazards or hazard in set(map(str, each.interest.hazards)))
        and (
            not county or not each.interest.counties or county in each.interest.counties
        )
    ]
    return willing or able

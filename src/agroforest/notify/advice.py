"""Messages from a night's advice on water: once for each parcel and change."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from agroforest.core.account import Account, Role
from agroforest.core.identity import digest
from agroforest.core.message import Delivery, Message, News
from agroforest.notify.policy import Note, write
from agroforest.notify.settings import NotifySection
from agroforest.notify.told import Told

#: Lights under which a farmer has something to do.
_TO_DO = frozenset({"red", "amber"})
_LOST = frozenset({Delivery.FAILED, Delivery.DROPPED})
#: Fact that tells one advice from another.
CHANGE = "change"


def subject_of(parcel: str) -> str:
    """Subject of messages about a parcel's water."""
    return f"parcel:{parcel}"


def advise(
    night: Mapping[str, Any],
    accounts: Iterable[Account],
    settings: NotifySection,
    now: datetime,
    *,
    told: Collection[Message] = (),
    simulated: bool = False,
) -> tuple[Message, ...]:
    """Tell farmers what has changed about their parcels' water.

    Parameters
    ----------
    night
        As ``agroforest water advise --json`` prints it.
    accounts
        Everybody; farmers are told of their own parcels.
    settings
        Of messages.
    now
        With a time zone.
    told
        Messages of before about these parcels, and those of the last days.
    simulated
        Whether the weather and the readings never existed.

    Returns
    -------
    tuple of Message
        New ones only. A parcel is told of first when there is something to do, and
        then when that changes: the light, the verdict, whether it is overdue, or
        heat and frost. Other numbers change every night and are told along.
    """
    known = Told(told, settings.zone)
    last = _find_last(told)
    farmers = sorted(
        (each for each in accounts if each.role is Role.FARMER and not each.disabled),
        key=lambda each: each.name,
    )
    made: list[Message] = []
    for parcel in night["parcels"]:
        change = _name_change(parcel)
        subject = subject_of(parcel["id"])
        for account in farmers:
            if parcel["id"] not in account.parcels:
                continue
            before = last.get((subject, account.name))
            if before == change or (before is None and not _has_work(parcel)):
                continue
            note = Note(
                subject=subject,
                state=f"{night['night']}:{change}",
                news=News.ADVICE,
                facts=_describe(parcel, night["night"], change, simulated=simulated),
            )
            made += write(note, account, settings, now, known)
    return tuple(made)


def _find_last(told: Collection[Message]) -> dict[tuple[str, str], str]:
    """Change that each person was told of last, by subject and name."""
    found: dict[tuple[str, str], str] = {}
    for message in sorted(told, key=lambda m: (m.created, m.key)):
        if message.news is News.ADVICE and message.delivery not in _LOST:
            change = str(message.facts.get(CHANGE, ""))
            found[message.subject, message.account] = change
    return found


def _has_work(parcel: Mapping[str, Any]) -> bool:
    return parcel["light"] in _TO_DO or bool(parcel["notices"])


def _name_change(parcel: Mapping[str, Any]) -> str:
    hazards = sorted({str(notice["hazard"]) for notice in parcel["notices"]})
    parts = parcel["light"], parcel["verdict"], bool(parcel["overdue"]), hazards
    return digest(*parts, length=8)


def _describe(
    parcel: Mapping[str, Any], night: str, change: str, *, simulated: bool
) -> dict[str, Any]:
    return {
        CHANGE: change,
        "night": night,
        "simulated": simulated,
        "places": [
            {"id": parcel["id"], "name": [parcel["name_zh"], parcel["name_en"]]}
        ],
        "light": parcel["light"],
        "advice": [parcel["zh"], parcel["en"]],
        "latest": parcel.get("latest"),
        "notices": [[notice["zh"], notice["en"]] for notice in parcel["notices"]],
    }

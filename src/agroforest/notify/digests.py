"""One message a day of what does not press."""

from collections.abc import Iterable
from datetime import datetime

from agroforest.core.message import Delivery, Message, News
from agroforest.notify.overtaken import find_objection
from agroforest.notify.policy import name_message
from agroforest.notify.told import IN_DIGEST

#: Fact of a digest: keys of the messages within.
MEMBERS = "members"
#: Headlines that a digest lists at most; the rest is counted. Arbitrary.
_LISTED = 100
_UNSENT = frozenset({Delivery.WAITING, Delivery.SENDING})
_LOST = frozenset({Delivery.FAILED, Delivery.DROPPED})


def gather(
    first: Message, others: Iterable[Message], now: datetime
) -> tuple[Message | None, tuple[Message, ...]]:
    """Make the digest that a message goes out within.

    Parameters
    ----------
    first
        The message.
    others
        To the same person, of the last days, digests among them.
    now
        With a time zone.

    Returns
    -------
    Message or None, tuple of Message
        The digest, ``None`` if the message is within one already; and the messages
        that it holds. The digest is recorded before these are settled: who dies in
        between finds it there.
    """
    others = list(others)
    beside = [each for each in others if each.channel == first.channel]
    digests = [each for each in beside if each.news is News.DIGEST]
    within = {
        key
        for each in digests
        if each.delivery not in _LOST
        for key in each.facts[MEMBERS]
    }
    if first.key in within:
        return None, (first,)
    members = {
        each.key: each
        for each in beside
        if each.facts.get(IN_DIGEST)
        and each.delivery in _UNSENT
        and each.due <= now
        and each.key not in within
        and not find_objection(each, (o for o in others if o.subject == each.subject))
    } | {first.key: first}
    ordered = sorted(members.values(), key=lambda m: (m.created, m.key))
    subject = f"digest:{first.account}"
    state = f"digest:{first.due.isoformat()}:{len(digests)}"
    made = Message(
        key=name_message(subject, state, first.account, first.channel),
        subject=subject,
        state=state,
        news=News.DIGEST,
        account=first.account,
        channel=first.channel,
        created=now,
        due=now,
        facts={
            MEMBERS: [each.key for each in ordered],
            "count": len(ordered),
            "items": [
                {"news": str(each.news), "facts": dict(each.facts)}
                for each in ordered[:_LISTED]
            ],
        },
    )
    return made, tuple(ordered)

"""Messages that are no longer worth sending, or not yet."""

from collections.abc import Iterable

from agroforest.core.message import Delivery, Message, News

#: What a person's "it is not so" makes void where it has not gone out.
_VOID = frozenset({News.RAISED, News.WORSE, News.CONFIRMED, News.ESCALATED, News.TASK})
#: Makes sense to those alone whom something has reached.
_AFTERWARDS = frozenset({News.CANCELLED, News.ENDED, News.RESUMED})
_REACHED = frozenset({Delivery.SENT, Delivery.SENDING, Delivery.DIGESTED})
#: Error of a message that was taken from the outbox and put back untried.
POSTPONED = "postponed: quiet hours"


def find_objection(message: Message, others: Iterable[Message]) -> str:
    """Say why a message is not worth sending; empty if it is.

    Parameters
    ----------
    message
        About to be sent.
    others
        To the same person about the same subject, itself perhaps among them.
    """
    others = [each for each in others if each.key != message.key]
    untried = message.attempts <= 1 or message.error == POSTPONED
    if message.news in _VOID and untried:
        for each in others:
            if each.news is News.CANCELLED and each.created >= message.created:
                return "overtaken: dismissed by a person before it was sent"
    if message.news is News.MISSED and untried:
        for each in others:
            if each.news is News.RESUMED and each.created >= message.created:
                return "overtaken: the nights were made up for before it was sent"
    before = [each for each in others if each.created <= message.created]
    if message.news in _AFTERWARDS and not any(map(_has_reached, before)):
        return "overtaken: nothing about it was ever sent"
    return ""


def _has_reached(message: Message) -> bool:
    """Whether somebody has it, as far as is known: what was tried may have arrived."""
    if message.news in _AFTERWARDS:
        return False
    if message.delivery is Delivery.DROPPED or message.error == POSTPONED:
        return False
    return message.delivery in _REACHED or message.attempts > 0

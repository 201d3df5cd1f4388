"""Feed of active alerts (Atom, RFC 4287), each with links to its CAP messages.

Pure: messages in, bytes out.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agroforest.publish.cap import MEDIA_TYPE, CapMessage, Sender
from agroforest.publish.cap_history import Kind
from agroforest.publish.cap_words import CHINA
from agroforest.publish.text import clean

NAMESPACE = "http://www.w3.org/2005/Atom"
#: Media type of a feed (RFC 4287, 7).
FEED_TYPE = "application/atom+xml"
#: Entries of a feed, the newest. Arbitrary.
MOST_ENTRIES = 500

_BEGINNING = datetime(2000, 1, 1, tzinfo=CHINA)  # of a feed that never had an entry
_TITLE = "森林与农田预警 Forest and farm alerts"


def build_feed(
    messages: Iterable[CapMessage], sender: Sender, now: datetime, *, name: str = ""
) -> bytes:
    """Build the feed of what is active at a moment.

    Parameters
    ----------
    messages
        Of all cases, ended ones too: the feed changed when they ended. Those of a case
        in the order of `agroforest.publish.cap.build_messages`.
    sender
        Who warns; a message is found at ``<link>/<identifier>.xml``, or beside the
        feed if the sender has no link.
    now
        Messages that have expired by then are left out.
    name
        Of the feed's own address, under the sender's link; ``feed.atom`` for example.

    Returns
    -------
    bytes
        UTF-8; the newest entry first. Ids stay the same however often it is built,
        and ``updated`` is the last moment at which anything in it changed.
    """
    chains = _chain(messages)
    active = [c for c in chains.values() if not c[-1].ended and c[-1].expires > now]
    active.sort(key=lambda chain: (chain[-1].sent, chain[-1].identifier), reverse=True)
    feed = Element("feed", {"xmlns": NAMESPACE, "xml:lang": "zh-CN"})
    _add(feed, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, f'cap:{sender.id}')}")
    mark = "【模拟演练 EXERCISE】" if any(c[-1].simulated for c in active) else ""
    _add(feed, "title", mark + _TITLE)
    _add(feed, "updated", _find_change(chains, now).isoformat())
    author = SubElement(feed, "author")
    _add(author, "name", clean(" ".join(sender.name)) or sender.id)
    if name:
        _link(feed, "self", _address(sender, name), FEED_TYPE)
    if sender.link:
        _link(feed, "alternate", sender.link, "text/html")
    for chain in active[:MOST_ENTRIES]:
        _enter(feed, chain, sender)
    indent(feed)
    text: str = tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _chain(messages: Iterable[CapMessage]) -> Mapping[str, list[CapMessage]]:
    """Messages of each case since its last alert."""
    chains: dict[str, list[CapMessage]] = {}
    for message in messages:
        if message.kind is Kind.ALERT:
            chains[message.case] = []
        chains.setdefault(message.case, []).append(message)
    return chains


def _find_change(chains: Mapping[str, list[CapMessage]], now: datetime) -> datetime:
    """Moment of the last message, or of its expiry if that came after it."""
    last = [chain[-1] for chain in chains.values()]
    moments = [message.sent for message in last]
    moments += [m.expires for m in last if m.expires <= now and not m.ended]
    return max(moments, default=_BEGINNING)


def _enter(feed: Element, chain: list[CapMessage], sender: Sender) -> None:
    newest, oldest = chain[-1], chain[0]
    zh, en = newest.words
    entry = SubElement(feed, "entry")
    # Of a case: a reader that has it sees it change instead of a second one.
    _add(entry, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, f'{sender.id}:{newest.case}')}")
    _add(entry, "title", f"{zh.headline} / {en.headline}")
    _add(entry, "updated", newest.sent.isoformat())
    _add(entry, "published", oldest.sent.isoformat())
    SubElement(entry, "category", term=newest.hazard, label=zh.event)
    _add(
        entry,
        "summary",
        f"{zh.description}{zh.instruction} / {en.description} {en.instruction}",
    )
    href = _address(sender, f"{newest.identifier}.xml")
    _link(entry, "alternate", href, MEDIA_TYPE)
    for message in reversed(chain[:-1]):
        href = _address(sender, f"{message.identifier}.xml")
        _link(entry, "related", href, MEDIA_TYPE)


def _address(sender: Sender, name: str) -> str:
    return f"{sender.link.rstrip('/')}/{name}" if sender.link else name


def _link(parent: Element, rel: str, href: str, kind: str) -> None:
    SubElement(parent, "link", rel=rel, href=href, type=kind)


def _add(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text

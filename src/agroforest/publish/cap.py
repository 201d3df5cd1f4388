"""Alerts in the Common Alerting Protocol, version 1.2 (OASIS, 2010).

Pure: the history of a case in, its messages so far out, the same bytes each time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agroforest.core.errors import ConfigurationError
from agroforest.core.fire import FireFacts
from agroforest.core.identity import digest
from agroforest.core.review import Case
from agroforest.core.risk import Hazard
from agroforest.core.units import MU_PER_HA
from agroforest.publish.cap_grade import Grade, grade
from agroforest.publish.cap_history import ENDS, History, Kind, Telling, tell
from agroforest.publish.cap_words import CHINA, LANGUAGES, Words, name_place, word
from agroforest.publish.place import Drawing, draw, norm_outline, spell_ring
from agroforest.publish.simulated import Simulated, is_simulated
from agroforest.publish.text import clean

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
#: Media type of a message (RFC 7303 for the suffix).
MEDIA_TYPE = "application/cap+xml"
#: Name of the codes of counties, the state's own: GB/T 2260.
COUNTY_CODES = "GB/T 2260"

# "MUST NOT include spaces, commas or restricted characters (< and &)" (CAP 1.2, 3.2.1).
_SENDER = re.compile(r"[!-%'-+\--;=-~]+")
_LINK = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~\-/]*)?")
_COUNTY = re.compile(r"\d{6}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who warns, as set by a desk.

    Attributes
    ----------
    id
        CAP's ``sender``: unique worldwide, such as ``alerts@forestry.example``.
    name
        Of the bureau, Chinese and English.
    contact
        For the public; empty for none.
    link
        Address under which the public finds messages; empty for none.
    simulated
        Of which pipelines the messages are exercises, because nothing of it happened.
    exact
        Outlines as they are; otherwise cells of 0.01° that cover them.

    Raises
    ------
    ConfigurationError
        The id or the link is not one.
    """

    id: str
    name: tuple[str, str] = ("", "")
    contact: str = ""
    link: str = ""
    simulated: Simulated = False
    exact: bool = False

    def __post_init__(self) -> None:
        if not _SENDER.fullmatch(self.id):
            raise ConfigurationError(
                f"sender {self.id!r}",
                "is empty or has spaces, commas, <, & or letters beyond ASCII",
                "give something like alerts@forestry.example",
            )
        if self.link and not _LINK.fullmatch(self.link):
            raise ConfigurationError(
                f"link {self.link!r}",
                "is no address of pages",
                "give something like https://forestry.example/alerts",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class CapMessage:
    """One message of a case.

    Attributes
    ----------
    identifier
        Unique with the sender; the same whenever it is built.
    kind
        Alert, update or cancel.
    sent, expires
        When, and until when it holds, China's time.
    case, hazard
        What about.
    words
        Chinese and English.
    ended
        Whether nothing is public of the case after it.
    simulated
        Whether it is an exercise.
    xml
        The message, UTF-8.
    """

    identifier: str
    kind: Kind
    sent: datetime
    expires: datetime
    case: str
    hazard: Hazard
    words: tuple[Words, Words]
    ended: bool
    simulated: bool
    xml: bytes


def build_messages(history: History, sender: Sender) -> tuple[CapMessage, ...]:
    """Build the messages of a case so far.

    Parameters
    ----------
    history
        Of the case; one that nothing is public of has no messages.
    sender
        Who warns.

    Returns
    -------
    tuple of CapMessage
        The oldest first. Each but an ``Alert`` refers to all since the last ``Alert``.
        Area and words are those of then, as far as the history knows; the outline is
        the newest, because no other is kept. A message that went out stays as it was:
        keep it, see `agroforest.publish.cap_folder`.

    Raises
    ------
    DataError
        The outline cannot be one.
    """
    drawing = None
    messages: list[CapMessage] = []
    chain: list[str] = []
    for telling in tell(history):
        if drawing is None:
            outline = norm_outline(history.case.geometry, f"case {history.case.id}")
            drawing = draw(outline, exact=sender.exact)
        if telling.kind is Kind.ALERT:
            chain = []
        message = _build(history.case, history.fire, telling, sender, drawing, chain)
        chain.append(f"{sender.id},{message.identifier},{_spell_time(message.sent)}")
        messages.append(message)
    return tuple(messages)


def _build(
    case: Case,
    fire: FireFacts | None,
    telling: Telling,
    sender: Sender,
    drawing: Drawing,
    chain: Sequence[str],
) -> CapMessage:
    simulated = is_simulated(sender.simulated, case.pipeline)
    words = word(case, telling, fire, simulated=simulated)
    values = grade(case.hazard, telling, fire)
    sent = telling.time.astimezone(CHINA).replace(microsecond=0)
    identifier = f"agroforest-{digest(sender.id, case.id, telling.key, telling.kind)}"
    root = Element("alert", xmlns=NAMESPACE)
    _add(root, "identifier", identifier)
    _add(root, "sender", sender.id)
    _add(root, "sent", _spell_time(sent))
    _add(root, "status", "Exercise" if simulated else "Actual")
    _add(root, "msgType", telling.kind)
    _add(root, "scope", "Public")
    if simulated:
        _add(root, "note", "模拟演练 simulated, an exercise")
    if chain:
        _add(root, "references", " ".join(chain))
    _add(root, "incidents", clean(case.alert).replace(" ", "-") or case.id)
    for at, language in enumerate(LANGUAGES):
        info = _add(root, "info")
        _add(info, "language", language)
        _grade(info, case, words[at].event, values)
        _add(info, "effective", _spell_time(sent))
        _add(info, "expires", _spell_time(sent + values.lasts))
        _say(info, sender, words[at], sender.name[at])
        _measure(info, case, telling)
        _place(info, case, drawing, name_place(case, fire)[at], at)
    return CapMessage(
        identifier=identifier,
        kind=telling.kind,
        sent=sent,
        expires=sent + values.lasts,
        case=case.id,
        hazard=case.hazard,
        words=words,
        ended=telling.why in ENDS,
        simulated=simulated,
        xml=_write(root),
    )


def _grade(info: Element, case: Case, event: str, values: Grade) -> None:
    for category in values.categories:
        _add(info, "category", category)
    _add(info, "event", event)
    for response in values.responses:
        _add(info, "responseType", response)
    _add(info, "urgency", values.urgency)
    _add(info, "severity", values.severity)
    _add(info, "certainty", values.certainty)
    _add_pair(info, "eventCode", "agroforest:hazard", case.hazard)


def _say(info: Element, sender: Sender, words: Words, name: str) -> None:
    texts = {
        "senderName": clean(name),
        "headline": words.headline,
        "description": words.description,
        "instruction": words.instruction,
        "web": sender.link,
        "contact": clean(sender.contact),
    }
    for tag, text in texts.items():
        if text:
            _add(info, tag, text)


def _measure(info: Element, case: Case, telling: Telling) -> None:
    values = {
        "area_ha": f"{telling.area_ha:.2f}",
        "area_mu": f"{telling.area_ha * MU_PER_HA:.1f}",
        "first_night": case.first_night.isoformat(),
        "evidence": case.evidence.isoformat(),
    }
    for name, value in values.items():
        _add_pair(info, "parameter", f"agroforest:{name}", value)


def _place(info: Element, case: Case, drawing: Drawing, place: str, at: int) -> None:
    area = _add(info, "area")
    remarks = []
    if drawing.cell:
        remarks.append(
            (
                f"范围已放宽到 {drawing.cell:g}° 网格",
                f"widened to cells of {drawing.cell:g}°",
            )[at]
        )
    if drawing.holes_dropped:
        remarks.append(("内部空缺已并入", "holes filled")[at])
    said = ("；" if at == 0 else "; ").join(remarks)
    bracket = ("（{}）" if at == 0 else " ({})").format(said) if said else ""
    _add(area, "areaDesc", place + bracket)
    for ring in drawing.rings:
        _add(area, "polygon", spell_ring(ring))
    code = clean(case.county[0])
    if code:
        known = _COUNTY.fullmatch(code)
        _add_pair(area, "geocode", COUNTY_CODES if known else "agroforest:county", code)


def _add(parent: Element, tag: str, text: str | None = None) -> Element:
    element = SubElement(parent, tag)
    if text is not None:
        element.text = str(text)
    return element


def _add_pair(parent: Element, tag: str, name: str, value: str) -> None:
    pair = _add(parent, tag)
    _add(pair, "valueName", name)
    _add(pair, "value", value)


def _spell_time(time: datetime) -> str:
    """Spell a time as CAP's schema asks: seconds and an offset, never ``Z``."""
    return time.astimezone(CHINA).replace(microsecond=0).isoformat()


def _write(root: Element) -> bytes:
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()

"""What a message says, in the words of `templates`, as long as its channel takes.

A text is made of whole parts. Where it is too long, parts are left out one by one, in
the order of `Part`; the headline, the disclaimer and the link always stay.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agroforest.core.message import Message, News
from agroforest.notify.lines import (
    Line,
    Part,
    Speech,
    say_area,
    write_end,
    write_headline,
    write_lines,
)
from agroforest.notify.plain import count_bytes, count_parts
from agroforest.notify.settings import ChannelSection, Kind, NotifySection


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A message in words.

    Attributes
    ----------
    subject
        One line.
    body
        Lines.
    language
        ``zh`` or ``en``.
    """

    subject: str
    body: str
    language: str

    @property
    def whole(self) -> str:
        """Both, for channels without a subject."""
        return f"{self.subject}\n{self.body}"


def compose(
    message: Message,
    *,
    language: str,
    settings: NotifySection,
    section: ChannelSection,
    link: str = "",
) -> Text:
    """Put a message into words that fit its channel.

    Parameters
    ----------
    message
        What.
    language
        ``zh`` or ``en``.
    settings, section
        Of messages, and of the channel.
    link
        Address that acknowledges it; empty for none.

    Returns
    -------
    Text
        `Text.whole` is within the channel's limit.
    """
    speech = Speech(language, settings)
    fits = _find_measure(section)
    if message.news is News.DIGEST:
        return _compose_digest(message, speech, fits, link)
    lines = write_lines(message, speech, link)
    text = _join(lines, speech)
    for part in sorted(Part):
        if part is Part.ALWAYS or fits(text.whole):
            break
        lines = [line for line in lines if line.part is not part]
        text = _join(lines, speech)
    return text


def _find_measure(section: ChannelSection) -> Callable[[str], bool]:
    most = section.most
    count = count_parts if section.kind is Kind.SMS else count_bytes
    return lambda text: most is None or count(text) <= most


def _compose_digest(
    message: Message, speech: Speech, fits: Callable[[str], bool], link: str
) -> Text:
    """List headlines, as many as fit; the rest is counted."""
    listed = message.facts["items"]
    count = int(message.facts.get("count", len(listed)))
    items = [_tell_item(item, speech) for item in listed]
    title = speech.say("title", "digest", count=count)
    # Simulated as a whole if any of it is: nobody shall act upon it by mistake.
    marks = [speech.mark(item["facts"]) for item in listed]
    head = Line(part=Part.ALWAYS, text=max(marks, default="") + title, head=True)
    end = write_end(News.DIGEST, speech, link)

    def write(kept: int) -> Text:
        rest = _tell_rest(count - kept, speech)
        return _join([head, *items[:kept], *rest, *end], speech)

    if fits(write(len(items)).whole):
        return write(len(items))
    # Each headline makes it longer: find the last that fits.
    too_many = bisect_left(
        range(1, len(items)), True, key=lambda n: not fits(write(n).whole)
    )
    return write(too_many)


def _tell_item(item: Mapping[str, Any], speech: Speech) -> Line:
    """One headline, with the area where there is one."""
    facts = item["facts"]
    head = write_headline(News(item["news"]), facts, speech)
    words = speech.plain("behind").join(line.text for line in head)
    if facts.get("area_ha") is not None:
        both = say_area(facts["area_ha"])
        words = speech.plain("behind").join((words, speech.say("line", "area", **both)))
    return Line(part=Part.ADVICE, text=f"- {words}")


def _tell_rest(count: int, speech: Speech) -> list[Line]:
    if not count:
        return []
    return [Line(part=Part.ALWAYS, text=speech.plain("rest", count=count))]


def _join(lines: Sequence[Line], speech: Speech) -> Text:
    """Subject from the parts of the headline, body from the others."""
    return Text(
        subject=speech.plain("behind").join(line.text for line in lines if line.head),
        body="\n".join(line.text for line in lines if not line.head),
        language=speech.language,
    )

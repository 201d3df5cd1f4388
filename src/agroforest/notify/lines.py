"""The parts of a message's text, one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from agroforest.core.message import Message, News
from agroforest.core.review import Reason
from agroforest.core.risk import Hazard
from agroforest.core.units import MU_PER_HA
from agroforest.core.words import hazard_words, review_words
from agroforest.notify.plain import neutralise
from agroforest.notify.settings import NotifySection
from agroforest.notify.templates import LANGUAGES, read_words

#: Longest name of a place, and longest sentence, characters. Arbitrary.
_NAME, _SENTENCE = 40, 400
_WINDS = 8
_FIRE = str(Hazard.ACTIVE_FIRE)
_JUDGED = frozenset({News.CONFIRMED, News.CANCELLED})
_NIGHTS = frozenset({News.MISSED, News.RESUMED})


class Part(IntEnum):
    """Parts of a text; what comes first is left out first where room is short."""

    REASON = 1
    SURE = 2
    SINCE = 3
    PARCELS = 4
    ROAD = 5
    POINT = 6
    AREA = 7
    PLACE = 8
    ADVICE = 9
    ACTION = 10
    HEADLINE_PLACE = 11  #: county or parcel behind the headline
    ALWAYS = 12  #: headline, disclaimer, link


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One part in words.

    Attributes
    ----------
    part
        Which.
    text
        In words, without a line end.
    head
        Whether it belongs to the subject.
    """

    part: Part
    text: str
    head: bool = False


class Speech:
    """The words of a language.

    Parameters
    ----------
    language
        ``zh`` or ``en``; another is taken for Chinese.
    settings
        Time zone, and whether nothing is real.
    """

    def __init__(self, language: str, settings: NotifySection) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self.words = read_words(self.language)
        self.settings = settings

    def say(self, table: str, key: str, **values: object) -> str:
        """Fill in words of ours; values are harmless already."""
        return str(self.words[table][key]).format(**values)

    def plain(self, key: str, **values: object) -> str:
        """Fill in words that stand in no table."""
        return str(self.words[key]).format(**values)

    def pick(self, pair: object, length: int = _NAME) -> str:
        """Text of this language of a pair from outside; the other where it is empty."""
        if not isinstance(pair, Sequence) or isinstance(pair, str):
            return neutralise(pair or "", length)
        both = [neutralise(each or "", length) for each in pair]
        ordered = both if self.language == "zh" else both[::-1]
        return next(filter(None, ordered), "")

    def moment(self, written: object) -> str:
        """Local time of an ISO 8601 moment; the text itself where it is none."""
        try:
            moment = datetime.fromisoformat(str(written))
        except ValueError:
            return neutralise(written, _NAME)
        if moment.tzinfo is None:
            return f"{moment:%Y-%m-%d}"
        return f"{moment.astimezone(self.settings.zone):%Y-%m-%d %H:%M}"

    def mark(self, facts: Mapping[str, Any]) -> str:
        """Mark what is not real; empty for what is."""
        made_up = self.settings.simulated or facts.get("simulated")
        return self.plain("simulated") if made_up else ""

    def hazard(self, facts: Mapping[str, Any]) -> str:
        """Name a hazard, as a sign and never as a cause."""
        written = str(facts.get("hazard", ""))
        if written in set(map(str, Hazard)):
            pair = hazard_words(Hazard(written)).name
            return pair[self.language == "en"]
        return self.plain("unknown")


def write_lines(message: Message, speech: Speech, link: str) -> list[Line]:
    """Write all parts of a message, in the order in which they are read."""
    facts = message.facts
    made = [*write_headline(message.news, facts, speech)]
    if message.news is News.ADVICE:
        made += _write_advice(facts, speech)
    elif message.news in _NIGHTS:
        made += _write_nights(message.news, facts, speech)
    else:
        made += _write_action(message.news, facts, speech)
        made += _write_where(facts, speech)
        made += _write_how(facts, speech)
    made += write_end(message.news, speech, link)
    return [line for line in made if line.text]


def write_headline(news: News, facts: Mapping[str, Any], speech: Speech) -> list[Line]:
    """Write what it is, and the county or parcel."""
    if news is News.ADVICE:
        light = str(facts.get("light", ""))
        known = light if light in speech.words["light"] else "grey"
        title = speech.say("title", "advice") + speech.plain("part")
        title += speech.say("light", known)
        place = _join_names(facts, speech)
    elif news in _NIGHTS:
        title = speech.say("title", str(news), count=int(facts.get("count", 0)))
        place = speech.pick(facts.get("pipeline"))
    else:
        title = speech.say("title", str(news), hazard=speech.hazard(facts))
        place = speech.pick(facts.get("county"))
    head = [
        Line(part=Part.ALWAYS, text=speech.mark(facts) + title, head=True),
        Line(part=Part.HEADLINE_PLACE, text=place, head=True),
    ]
    return [line for line in head if line.text]


def write_end(news: News, speech: Speech, link: str) -> list[Line]:
    """Write what the text is not, and the link."""
    key = "judged" if news in _JUDGED else "short"
    if news in {News.ADVICE, News.DIGEST}:
        key = str(news)
    if news in _NIGHTS:
        key = "nights"
    made = [Line(part=Part.ALWAYS, text=speech.say("disclaimer", key))]
    if link:
        made.append(Line(part=Part.ALWAYS, text=speech.plain("link", link=link)))
    return made


def _write_advice(facts: Mapping[str, Any], speech: Speech) -> list[Line]:
    notices = facts.get("notices") or []
    return [
        Line(part=Part.ADVICE, text=speech.pick(facts.get("advice"), _SENTENCE)),
        *(
            Line(part=Part.REASON, text=speech.pick(each, _SENTENCE))
            for each in notices
        ),
    ]


def _write_nights(news: News, facts: Mapping[str, Any], speech: Speech) -> list[Line]:
    """Write which nights, and what to do."""
    first, last = (speech.moment(facts.get(key, "")) for key in ("first", "last"))
    key = f"nights_{news}"
    return [
        Line(part=Part.ACTION, text=speech.say("action", str(news))),
        Line(part=Part.SINCE, text=speech.say("line", key, first=first, last=last)),
    ]


def _write_action(news: News, facts: Mapping[str, Any], speech: Speech) -> list[Line]:
    """Write what to do, and until when."""
    key, until = str(news), ""
    check = facts.get("check") or {}
    if news is News.RAISED and facts.get("verify_by"):
        key, until = "raised_until", speech.moment(facts["verify_by"])
    if news is News.TASK and check.get("due"):
        key, until = "task_until", speech.moment(check["due"])
    text = speech.say("action", key, until=until)
    if news is News.TASK and check.get("sample"):
        gap = "" if speech.language == "zh" else " "
        text += gap + speech.say("action", "task_sample")
    return [Line(part=Part.ACTION, text=text)]


def _write_where(facts: Mapping[str, Any], speech: Speech) -> list[Line]:
    names = [speech.pick(facts.get(key)) for key in ("county", "township")]
    if speech.language == "en":
        names.reverse()
    place = speech.plain("join").join(filter(None, names))
    parcels = _join_names(facts, speech)
    made = []
    if place:
        made.append(
            Line(part=Part.PLACE, text=speech.say("line", "place", place=place))
        )
    if parcels:
        text = speech.say("line", "parcels", parcels=parcels)
        made.append(Line(part=Part.PARCELS, text=text))
    if "longitude" in facts:
        at = {key: f"{facts[key]:.4f}" for key in ("longitude", "latitude")}
        made.append(Line(part=Part.POINT, text=speech.say("line", "point", **at)))
    road = facts.get("road")
    if road:
        winds = speech.words["bearing"]["words"]
        wind = winds[round(road["bearing"] * _WINDS / 360) % _WINDS]
        text = speech.say(
            "line",
            "road",
            road=speech.pick(road["name"]),
            bearing=wind,
            km=f"{road['km']:.1f}",
        )
        made.append(Line(part=Part.ROAD, text=text))
    return made


def _write_how(facts: Mapping[str, Any], speech: Speech) -> list[Line]:
    """Write how large, since when and how sure."""
    fire = facts.get("hazard") == _FIRE
    made = []
    if facts.get("area_ha") is not None:
        both = say_area(facts["area_ha"])
        text = speech.say("line", "area_fire" if fire else "area", **both)
        made.append(Line(part=Part.AREA, text=text))
    if "first_seen" in facts:
        first, last = (speech.moment(facts[k]) for k in ("first_seen", "last_seen"))
        text = speech.say("line", "since_fire", first=first, last=last)
        made.append(Line(part=Part.SINCE, text=text))
    elif "first_night" in facts:
        first, evidence = (speech.moment(facts[k]) for k in ("first_night", "evidence"))
        text = speech.say("line", "since", first=first, evidence=evidence)
        made.append(Line(part=Part.SINCE, text=text))
    made += [Line(part=Part.SURE, text=text) for text in _say_sure(facts, speech)]
    reason = str(facts.get("reason") or "")
    if reason in set(map(str, Reason)):
        said = review_words(Reason(reason))[speech.language == "en"]
        text = speech.say("line", "reason", reason=said)
        made.append(Line(part=Part.REASON, text=text))
    return made


def _say_sure(facts: Mapping[str, Any], speech: Speech) -> list[str]:
    confidence = str(facts.get("confidence", ""))
    if confidence in speech.words["confidence"]:
        said = speech.say("confidence", confidence)
        counts = {key: int(facts.get(key, 0)) for key in ("detections", "looks")}
        return [speech.say("line", "sure_fire", confidence=said, **counts)]
    probability = facts.get("probability")
    if probability is None:
        return []
    # Neither certain nor impossible, whatever the rounding says.
    percent = min(99, max(1, round(float(probability) * 100)))
    return [speech.say("line", "sure", percent=percent)]


def say_area(ha: float) -> dict[str, str]:
    """Area in hectares and mu, as many digits as are known."""
    mu = ha * MU_PER_HA
    small, middling = 1, 100
    shown = f"{ha:.2f}" if ha < small else f"{ha:.1f}" if ha < middling else f"{ha:.0f}"
    return {"ha": shown, "mu": f"{mu:.1f}" if mu < middling else f"{mu:.0f}"}


def _join_names(facts: Mapping[str, Any], speech: Speech) -> str:
    """Names of parcels and compartments, the rest counted."""
    places = facts.get("places") or []
    names = [speech.pick(each["name"]) for each in places]
    text = speech.plain("join").join(filter(None, names))
    count = int(facts.get("place_count", len(places)))
    return text + speech.plain("more", count=count) if count > len(places) else text

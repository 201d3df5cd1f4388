"""Messages to look at: a test of a channel, and what a case would say."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agroforest.core.errors import ConfigurationError, NoInputError
from agroforest.core.identity import digest
from agroforest.core.message import Message, News
from agroforest.core.review import Case
from agroforest.notify.channel import Outgoing
from agroforest.notify.facts import Facts
from agroforest.notify.plain import count_bytes, count_parts
from agroforest.notify.policy import KEY_LENGTH
from agroforest.notify.settings import Kind, NotifySection
from agroforest.notify.templates import LANGUAGES
from agroforest.notify.words import compose

_WORDS = {
    "zh": ("【测试】林农监测消息", "这是一条测试消息，没有任何险情。"),
    "en": ("[TEST] agroforest", "This is a test. Nothing has happened."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A message as a channel would get it.

    Attributes
    ----------
    news, channel, language
        What, over which channel, in which language.
    text
        In words, without the link that is its own for each person.
    size
        Bytes, or parts of an SMS, with what they are.
    """

    news: str
    channel: str
    language: str
    text: str
    size: str


def write_trial(*, to: str, language: str, now: datetime) -> Outgoing:
    """Write a message that says it is a test."""
    subject, body = _WORDS.get(language, _WORDS["zh"])
    return Outgoing(
        key=digest("test", to, now, length=KEY_LENGTH),
        to=to,
        case="test",
        subject=subject,
        body=body,
        language=language,
        link="",
        created=now.timestamp(),
    )


def draft_messages(
    case: Case, facts: Facts, settings: NotifySection, now: datetime
) -> list[Message]:
    """Draft what would be said of a case that nobody was told of, for each channel."""
    return [
        Message(
            key=digest("draft", case.id, channel, length=KEY_LENGTH),
            subject=case.id,
            state="raised",
            news=News.RAISED,
            account="",
            channel=channel,
            created=now,
            due=now,
            facts=facts,
        )
        for channel in settings.channels
    ]


def preview_messages(
    messages: Iterable[Message],
    settings: NotifySection,
    *,
    case: str,
    channel: str = "",
    language: str = "",
) -> list[Preview]:
    """Show what messages about a case say, each news once a channel and language.

    Raises
    ------
    NoInputError
        There is nothing to show: no such case, or no channel.
    ConfigurationError
        There is no such channel or language.
    """
    if language and language not in LANGUAGES:
        raise ConfigurationError("--language", f"{language!r} is none", "give zh or en")
    if channel and channel not in settings.channels:
        raise ConfigurationError(
            "--channel", f"{channel!r} is none", "see the settings"
        )
    shown: dict[tuple[str, str, str], Preview] = {}
    for message in sorted(messages, key=lambda m: (m.created, m.key)):
        name = channel or message.channel
        section = settings.channels.get(name)
        for each in (language,) if language else LANGUAGES:
            if section is None:
                continue
            text = compose(
                message, language=each, settings=settings, section=section
            ).whole
            is_sms = section.kind is Kind.SMS
            count = count_parts(text) if is_sms else count_bytes(text)
            shown[message.state, name, each] = Preview(
                news=str(message.news),
                channel=name,
                language=each,
                text=text,
                size=f"{count} {'parts' if is_sms else 'bytes'}",
            )
    if not shown:
        raise NoInputError(
            f"case {case}", "is not known", "list cases: agroforest alerts list"
        )
    return list(shown.values())

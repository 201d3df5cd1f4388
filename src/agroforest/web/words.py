"""Every sentence of the desk's pages, Chinese first.

A page names its words and never spells them; a test walks the templates. Names of
hazards, stages, reasons and acts are those of `agroforest.core.words`.
"""

from collections.abc import Mapping
from enum import StrEnum

from agroforest.core.risk import Hazard
from agroforest.core.words import hazard_words, review_words
from agroforest.web.words_alert import ALERT
from agroforest.web.words_desk import DESK
from agroforest.web.words_evidence import EVIDENCE
from agroforest.web.words_map import MAP
from agroforest.web.words_parcels import PARCELS
from agroforest.web.words_queue import QUEUE
from agroforest.web.words_records import RECORDS

#: Codes of the languages, and what each calls itself; the first is the desk's own.
LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "English"}
#: By key: Chinese and English. Braces hold what changes.
WORDS: Mapping[str, tuple[str, str]] = (
    DESK | QUEUE | ALERT | EVIDENCE | MAP | PARCELS | RECORDS
)


class Words:
    """Words of one language.

    Parameters
    ----------
    language
        A key of `LANGUAGES`; another one means the first.
    """

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else next(iter(LANGUAGES))
        self._place = list(LANGUAGES).index(self.language)

    @property
    def tag(self) -> str:
        """As HTML names it."""
        return "zh-CN" if self.language == "zh" else "en"

    def __call__(self, key: str, **values: object) -> str:
        """Sentence of a key, with values in its braces.

        Raises
        ------
        KeyError
            No such key, or a value is missing.
        """
        text = WORDS[key][self._place]
        return text.format_map(values) if values else text

    def pick(self, both: tuple[str, str]) -> str:
        """Choose from Chinese and English; the other where one is empty."""
        return both[self._place] or both[1 - self._place]

    def name(self, word: StrEnum) -> str:
        """Name of a hazard, stage, verdict, reason, act, sampling or role."""
        if isinstance(word, Hazard):
            return self.pick(hazard_words(word).name)
        return self.pick(review_words(word))

    def sentence(self, hazard: Hazard) -> str:
        """Say what an alert of a hazard says and asks for."""
        return self.pick(hazard_words(hazard).sentence)

"""Words of messages, Chinese and English; one file each, with the same keys."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def read_words(language: str) -> Mapping[str, Any]:
    """Read the words of a language; Chinese for one that is not here."""
    name = language if language in LANGUAGES else LANGUAGES[0]
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)

"""Text from outside, made fit for any file: every name and note is hostile."""

import re
from functools import lru_cache

# XML 1.0 allows no control characters, no surrogates and no U+FFFE and U+FFFF; other
# readers choke on the rest: C1 controls, noncharacters, separators of lines.
_UNWRITABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0010fffe\U0010ffff]"
)
# They make a text read other than it is written: marks of direction, and marks of
# byte order within.
_INVISIBLE = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Take out what cannot be written or misleads, and keep it to one line.

    Characters that no file may hold become spaces, and spaces come singly. Markup is
    left as it is: whoever writes the file escapes it.
    """
    if text.isalnum() and text.isascii():  # ids and codes
        return text
    return _clean(text)


def cut_bytes(text: str, most: int) -> str:
    """Cut a text to a number of UTF-8 bytes, between characters."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[:most].decode(errors="ignore")


@lru_cache(maxsize=4096)  # names of counties come again and again
def _clean(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", _UNWRITABLE.sub(" ", text)).split())

"""Text from outside made harmless, and the length of text as channels count it.

Names of places and people's notes end up in mail, chats and text messages. Some of
these make mentions, links or markup of what they find in a text; what could do so is
replaced by a character that looks alike.
"""

import math
import unicodedata

# HTML and Feishu's <at user_id="all">, mentions, links and emphasis of Markdown: each
# has its full-width likeness 0xFEE0 further on.
_WIDE = 0xFEE0
_ALIKE = str.maketrans({c: chr(ord(c) + _WIDE) for c in "<>&@[]*#/"} | {"`": "'"})
#: Marks that may stand on one letter; more climb over the lines above.
_MARKS = 2
#: Characters of GSM 03.38 that take one septet, as in 3GPP TS 23.038; two of them are
#: line ends. Those of its extension table take two.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = frozenset("^{}\\[~]|€\f")
_GSM_ONE_PART, _GSM_PART = 160, 153
_UCS2_ONE_PART, _UCS2_PART = 70, 67


def neutralise(text: object, length: int) -> str:
    """Make text from outside one plain line.

    Parameters
    ----------
    text
        Anything; what is no text is written as Python does.
    length
        Characters at most; a longer one ends in ``…``.

    Returns
    -------
    str
        Without control, format and unassigned characters, markup, mentions and
        addresses that a program would turn into links.
    """
    kept: list[str] = []
    marks = 0
    for character in str(text)[: 8 * length]:
        category = unicodedata.category(character)
        if category == "Cf":  # bidirectional, invisible
            continue
        if category.startswith("M"):
            marks += 1
            if marks <= _MARKS and kept and kept[-1] != " ":
                kept.append(character)
            continue
        marks = 0
        kept.append(" " if category[0] in "ZC" else character)
    # NFC and not NFKC, which would undo the table; before the table, for it makes plain
    # characters of some others.
    whole = unicodedata.normalize("NFC", "".join(kept))
    line = " ".join(whole.translate(_ALIKE).split())
    line = _unlink(line)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _unlink(line: str) -> str:
    """Break what a program takes for the name of a host: dots within words."""
    made = list(line)
    for at in range(1, len(made) - 1):
        if made[at] == "." and made[at - 1].isalnum() and made[at + 1].isalpha():
            made[at] = "·"
    return "".join(made)


def count_bytes(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode("utf-8"))


def count_parts(text: str) -> int:
    """Parts that a text message is sent in.

    70 characters of UCS-2 fit into one part and 67 into each of several; of the GSM
    alphabet 160 and 153 (3GPP TS 23.038, 23.040).
    """
    if all(c in _GSM or c in _GSM_TWO for c in text):
        septets = sum(2 if c in _GSM_TWO else 1 for c in text)
        return 1 if septets <= _GSM_ONE_PART else math.ceil(septets / _GSM_PART)
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= _UCS2_ONE_PART else math.ceil(units / _UCS2_PART)

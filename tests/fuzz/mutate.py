"""Changes to text that keep most of its grammar: words are swapped, lost and replaced.

A fuzzer that changes bytes seldom gets past a parser's first brace.
"""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(
    rb'"(?:[^"\\]|\\.)*"|\'[^\']*\'|<[^<>]*>|[A-Za-z_][\w$@.]*|[-+]?\d[\d.eE+-]*|\s+|.',
    re.DOTALL,
)
_WORDS = (
    *(b"null", b"true", b"false", b"{}", b"[]", b'""', b"''", b'"\\u0000"'),
    *(b"0", b"-1", b"1e308", b"-1e308", b"1e999", b"NaN", b"nan", b"inf", b"-inf"),
    *(b"9" * 20, b"9" * 400, b"9" * 5000, b"0.1", b"-0.0", b"180.0000001", b"1_0"),
    *(b'"../../etc/passwd"', b'"/vsicurl/http://169.254.169.254/"', b'"\\ud800"'),
    *(b"[" * 600, b"(" * 600, b"{" * 60, b"[[[", b'{"a":', b"not ", b"%", b"\0"),
    *(b"\xff\xfe", b"\xef\xbb\xbf", "，".encode(), "蔗田".encode(), "\u202e".encode()),
    *(b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59-23:59", b"2024-02-30"),
    *(b"<!DOCTYPE a [<!ENTITY e 'x'>]>", b"&e;", b"<![CDATA[", b"\r", b",", b";"),
)


_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, float("nan"), float("inf"), 10**400, "", "x"),
    *([], {}, [[]], [None], {"a": {}}, "2024-02-30", "../x", "a\0b", "\ud800"),
    "9" * 300,
)


def mutate_json(data: bytes, most: int, seed: int) -> bytes | None:
    """Replace, move or lose one value of a JSON document; None if it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    chance = random.Random(seed)  # noqa: S311  nothing secret
    places = list(_walk(document))
    if not places:
        return None
    holder, key = chance.choice(places)
    kind = chance.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        other, name = chance.choice(places)
        holder[key] = json.loads(json.dumps(other[name]))
    elif kind == 2:
        holder[key] = [holder[key]]
    else:
        holder[key] = chance.choice(_VALUES)
    return json.dumps(document).encode()[:most]


def _walk(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a document: what holds it, and its key there."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _walk(node[key])


def mutate_words(data: bytes, most: int, seed: int) -> bytes:
    """Change one to four words of a text.

    Parameters
    ----------
    data
        The text.
    most
        Longest result, bytes.
    seed
        The same seed makes the same change.
    """
    chance = random.Random(seed)  # noqa: S311  nothing secret
    tokens = _TOKEN.findall(data)[:4000]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(tokens) + 1)
        kind = chance.randrange(5)
        if kind == 0 or at == len(tokens):
            tokens.insert(at, chance.choice(_WORDS))
        elif kind == 1:
            del tokens[at]
        elif kind == 2:
            tokens[at] = chance.choice(tokens)
        elif kind == 3:
            other = chance.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        else:
            tokens[at] = chance.choice(_WORDS)
    return b"".join(tokens)[:most]

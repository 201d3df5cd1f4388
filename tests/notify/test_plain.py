"""Text from outside is made harmless, and counted as channels count it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.notify.plain import count_bytes, count_parts, neutralise

HOSTILE = (
    "<script>alert(1)</script>",
    '<at user_id="all">everyone</at>',
    "@all 紧急",
    "[点击领取](http://evil.example/pay)",
    "![x](https://evil.example/x.png)",
    "http://evil.example/login",
    "evil.example/login",
    "HTTPS://EVIL.EXAMPLE",
    "one\r\nBcc: all@example.cn",
    "line\u2028separator\u2029paragraph\x85next",
    "\u202eesrever\u202c",
    "zero\u200bwidth\u200d\ufeff",
    "bell\x07escape\x1b[31m",
    "nul\x00",
    "lone \ud800 half",
    "z" + "\u0301" * 50,
    "**bold** `code` # head",
    "=HYPERLINK(1)",
    "&lt;b&gt;",
    "名" * 500,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_left_that_a_channel_could_act_upon(text: str) -> None:
    check(neutralise(text, 40), 40)


@given(text=st.text(), length=st.integers(1, 60))
def test_whatever_comes_is_one_plain_line(text: str, length: int) -> None:
    check(neutralise(text, length), length)


@given(text=st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Cn", "Co"])))
def test_a_name_of_nothing_visible_is_empty(text: str) -> None:
    assert neutralise(text, 40) == ""


@given(text=st.text())
def test_doing_it_twice_changes_nothing(text: str) -> None:
    once = neutralise(text, 40)
    assert neutralise(once, 40) == once


def check(found: str, length: int) -> None:
    assert len(found) <= length
    assert not set(found) & set("<>&@[]`*#/")
    assert not any(unicodedata.category(c)[0] == "C" for c in found)
    assert found == " ".join(found.split())
    found.encode("utf-8")
    for before, dot, after in zip(found, found[1:], found[2:], strict=False):
        assert not (dot == "." and before.isalnum() and after.isalpha())


def test_plain_names_stay_as_they_are() -> None:
    for name in ("高峰林场 12-3 小班", "St. Mary's field, No. 5", "北田（二）"):
        assert neutralise(name, 40) == name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),  # two septets each
        ("[" * 81, 2),
        ("火" * 70, 1),
        ("火" * 71, 2),
        ("火" * 134, 2),
        ("火" * 135, 3),
        ("a" * 69 + "火", 1),
        ("😀" * 35, 1),  # two units each
        ("😀" * 36, 2),
    ],
)
def test_parts_of_a_text_message(text: str, parts: int) -> None:
    assert count_parts(text) == parts


def test_bytes_are_those_of_utf_8() -> None:
    assert count_bytes("火a") == 4

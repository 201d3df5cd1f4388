"""Words: each in both languages, each template without any of its own."""

import re
from collections.abc import Iterator
from importlib.resources import files
from string import Formatter

import pytest
from jinja2 import Environment, nodes

from agroforest.core.alert import Change
from agroforest.core.queue import Order
from agroforest.core.review import Act
from agroforest.web.pages.layout import compile_templates
from agroforest.web.words import LANGUAGES, WORDS, Words

TEMPLATES = sorted(
    each.name
    for each in files("agroforest.web").joinpath("templates").iterdir()
    if each.name.endswith(".html")
)
#: What is the same in every language: keys, arrows, the north of a map.
SAME = {"j", "k", "o", "p", "c", "x", "u", "m", "M", "N", "Enter", "Esc"}
_HAN = re.compile(r"[\u4e00-\u9fff]")


def names(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("key", WORDS)
def test_every_word_is_in_both_languages(key: str) -> None:
    chinese, english = WORDS[key]
    assert chinese.strip()
    assert english.strip()
    assert names(chinese) == names(english)
    assert not _HAN.search(english)
    if re.search(r"[A-Za-z]{2}", re.sub(r"\{.*?\}", "", english)):
        assert _HAN.search(chinese)


def pieces(name: str) -> Iterator[str]:
    """Text between the tags of a template, and of attributes that people hear."""
    environment: Environment = compile_templates("zh")
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    plain = re.sub(r"\{#.*?#\}|\{%.*?%\}", "\n", source, flags=re.DOTALL)
    plain = re.sub(r"\{\{.*?\}\}", "\n", plain, flags=re.DOTALL)
    yield from re.findall(r'(?:title|alt|aria-label|placeholder)="([^"]*)"', plain)
    plain = re.sub(r"<(script|style)\b.*?</\1>", "", plain, flags=re.DOTALL)
    yield from re.sub(r"<[^>]*>", "\n", plain).split("\n")


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_spell_nothing(name: str) -> None:
    said = {piece.strip() for piece in pieces(name)}
    left = {piece for piece in said - SAME if re.search(r"\w", piece)}
    assert left == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_word_that_a_template_names_is_there(name: str) -> None:
    environment = compile_templates("zh")
    source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
    # By itself: ours puts most words in before anything is parsed.
    for call in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        if not (isinstance(call.node, nodes.Name) and call.node.name == "t"):
            continue
        (key,) = call.args
        if isinstance(key, nodes.Const):
            assert key.value in WORDS
            given = {each.key for each in call.kwargs}
            assert given == set(names(WORDS[key.value][0])), key.value


def test_words_whose_keys_are_put_together() -> None:
    people = [act for act in Act if act not in {Act.OPEN, Act.SEE}]
    for act in people:
        assert f"act.{act}" in WORDS
        assert f"said.{act}" in WORDS
    for change in Change:
        assert f"change.{change}" in WORDS
    for order in Order:
        assert f"queue.order.{order}" in WORDS


def test_words_of_a_language() -> None:
    words = Words("en")
    assert words("age.days", n=3) == "3 days ago"
    assert words.pick(("甲", "")) == "甲"
    assert Words("xx").language == next(iter(LANGUAGES)) == "zh"
    with pytest.raises(KeyError):
        words("no.such")
    with pytest.raises(KeyError):
        words("age.days", m=3)
    # Braces in what is told are no braces of ours.
    assert words("act.refused", why="{x}") == "Not done: {x}"

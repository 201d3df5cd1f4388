"""Words come out of systemd's and cron's rules as they went in."""

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import ConfigurationError
from agroforest.schedule.quoting import (
    quote_command,
    quote_cron,
    quote_unit,
    refuse_odd,
)

WORDS = st.text(
    st.one_of(
        st.sampled_from(list(" %$\\'\";#`~*?&|<>(){}[]!=-/a")),
        st.characters(exclude_categories=["C", "Z"]),
    ),
    min_size=1,
)


def read_unit(line: str) -> list[str]:
    """Split and unescape as systemd.syntax(7) and the specifiers of systemd.unit(5)."""
    words, word, quote, i = [], "", "", 0
    open_word = False
    while i < len(line):
        char = line[i]
        if char == "\\":
            i += 1
            assert line[i] in '\\"'  # the escapes that we write
            word += line[i]
        elif quote:
            quote, word = ("", word) if char == quote else (quote, word + char)
        elif char in "\"'":
            quote, open_word = char, True
        elif char == " ":
            words.append(word)
            word, open_word = "", False
        else:
            word += char
        i += 1
    if word or open_word:
        words.append(word)
    assert not quote
    for each in words:
        assert "%" not in each.replace("%%", "")
    return [each.replace("%%", "%") for each in words]


def read_cron(line: str) -> str:
    """Give the shell what Vixie cron's ``child_process`` gives it."""
    text, escaped = "", False
    for char in line:
        if escaped:
            text = text[:-1] + char if char == "%" else text + char
            escaped = False
            continue
        if char == "%":
            break  # the rest would be standard input
        escaped = char == "\\"
        text += char
    return text


@given(st.lists(WORDS, min_size=1))
def test_units_give_words_back(words: list[str]) -> None:
    assert read_unit(" ".join(quote_unit(w) for w in words)) == words


@given(st.lists(WORDS, min_size=1))
def test_commands_of_units_give_words_back(words: list[str]) -> None:
    program, *others = read_unit(quote_command(words))
    assert all("$" not in each.replace("$$", "") for each in others)
    found = [program, *(each.replace("$$", "$") for each in others)]
    if not set(words[0]) & set("\\\"'"):
        assert found == words
        return
    assert found == ["/bin/sh", "-c", 'exec "$@"', "sh", *words]


def test_a_shell_starts_a_program_whose_name_systemd_refuses(tmp_path: Path) -> None:
    program = tmp_path / "a 'b' \"c\" \\d $e %f"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    program.chmod(0o755)
    found = read_unit(quote_command([str(program), "x y", "$z"]))
    words = [each.replace("$$", "$") for each in found]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout == "x y|$z|"


@given(st.lists(WORDS, min_size=1))
def test_cron_and_the_shell_give_words_back(words: list[str]) -> None:
    assert shlex.split(read_cron(quote_cron(words))) == words


def test_a_real_shell_gives_words_back() -> None:
    words = [
        "夜 间",
        "50%",
        "\\%",
        "\\\\%%",
        "$HOME `id`",
        "it's",
        '"',
        "~",
        "*",
        "a;b",
    ]
    line = read_cron(quote_cron(["printf", "%s\\n", *words]))
    shell = ["/bin/sh", "-c", line]
    shown = subprocess.run(shell, capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.splitlines() == words


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\x00", "\x85", "\u2028", "\udcff"])
def test_what_does_not_fit_into_a_line_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="does not fit into a line"):
        refuse_odd("x", value)

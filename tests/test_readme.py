"""Two pages, one set of figures."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Not part of a name or a date: 31UFQ, B8A, 2018-06-01.
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.-])(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?![\dA-Za-z]|-\d)"
)


def read_between(page: str, start: str, end: str = "") -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    first = text.index(start) + len(start)
    return text[first : text.index(end, first)] if end else text[first:]


def find_numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in NUMBER.findall(text)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("237,790 series", [237790.0]),
        (".764 [.719, .789]", [0.764, 0.719, 0.789]),
        ("72%，0.5 至 1.04。高.051", [72.0, 0.5, 1.04, 0.051]),
        ("31UFQ, B8A, 2018-06-01", []),
    ],
)
def test_numbers_are_found(text: str, numbers: list[float]) -> None:
    assert find_numbers(text) == numbers


def test_every_figure_of_the_chinese_page_stands_on_the_english_one() -> None:
    chinese = find_numbers(read_between("README.zh.md", "## 实测数字", "## 结构"))
    english = find_numbers(read_between("README.md", "## Figures"))
    assert len(chinese) > 50
    assert set(chinese) - set(english) == set()


def test_both_pages_have_the_same_table_of_models() -> None:
    def read_table(page: str) -> list[tuple[str, list[float]]]:
        text = read_between(page, "<!-- figures -->", "<!-- end of figures -->")
        _, _, *lines = text.strip().splitlines()
        return [(line.split("|")[1], find_numbers(line)) for line in lines]

    english = read_table("README.md")
    assert read_table("README.zh.md") == english
    assert len(english) == 6

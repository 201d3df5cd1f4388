"""Files that came from elsewhere are what their table says, and nothing calls out."""

import re
from hashlib import sha256
from importlib.resources import files

import pytest

_FOLDER = files("agroforest.web").joinpath("static")
_NAMES = sorted(each.name for each in _FOLDER.iterdir())


def test_what_came_from_elsewhere_is_what_the_table_says() -> None:
    table = _FOLDER.joinpath("README.md").read_text("utf-8")
    named = dict(
        re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", table, re.MULTILINE)
    )
    assert set(named) == {"htmx.min.js"}
    for name, digest in named.items():
        assert sha256(_FOLDER.joinpath(name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", [n for n in _NAMES if n.endswith((".css", ".js"))])
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    text = _FOLDER.joinpath(name).read_text("utf-8")
    assert not re.search(r"url\(\s*['\"]?(?!data:)", text)
    assert "@import" not in text
    if name != "htmx.min.js":
        assert not re.search(r"https?://", text)
        assert not re.search(r"\b(eval|innerHTML|insertAdjacentHTML|Function)\b", text)

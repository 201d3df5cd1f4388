"""Ids of any kind survive their way into an address and back."""

from urllib.parse import quote, unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agroforest.core.errors import DataError
from agroforest.web.sensorthings.path import Step, parse_path, write_key

_IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(_IDS)
@example("ismn:MAQU/CST-01")
@example("a/../../b")
@example("'')/Datastreams('")
@example("?x#y%2F&$top=1")
@example("")
def test_an_id_comes_back(name: str) -> None:
    key = write_key(name)
    assert parse_path(unquote(f"Things{key}")) == (Step(name="Things", key=name),)
    deeper = (Step(name="Things", key=name), Step(name="Datastreams"))
    assert parse_path(unquote(f"/Things{key}/Datastreams/")) == deeper
    # No program on the way takes any of it for another part of the address.
    parts = urlsplit(urljoin("http://h/v1.1/", f"Things{key}"))
    assert (parts.path, parts.query, parts.fragment) == (f"/v1.1/Things{key}", "", "")


@given(_IDS.map(lambda text: text.replace("'", "")))
def test_a_path_is_read_or_refused(text: str) -> None:
    try:
        steps = parse_path(text)
    except DataError:
        return
    assert all(step.name and "/" not in step.name for step in steps)


def test_bare_ids_of_others_are_read() -> None:
    assert parse_path("Things(1)/Datastreams") == (
        Step(name="Things", key="1"),
        Step(name="Datastreams"),
    )


@pytest.mark.parametrize("path", ["Things('a'b')", "Things()", "Things('a')x", "x//y"])
def test_other_forms_are_refused(path: str) -> None:
    with pytest.raises(DataError, match="cannot be read from"):
        parse_path(quote(path, safe="/'()"))

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.files import replacing, write_text
from agroforest.core.identity import digest, digest_file


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "a.txt"
    write_text(target, "old")

    def fail_half_way() -> None:
        with replacing(target) as scratch:
            scratch.write_text("half")
            assert target.read_text() == "old"
            assert scratch.suffix == ".txt"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert digest_file(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_digest_is_stable_across_releases() -> None:
    """Ids are kept in databases: this value may never change."""
    assert digest("a", 1, 0.1, None, date(2024, 5, 1), {"b": [1]}) == (
        "dfef57d437ea6071"
    )


@given(st.dictionaries(st.text(), st.integers()))
def test_digest_ignores_the_order_of_keys(mapping: dict[str, int]) -> None:
    assert digest(mapping) == digest(dict(reversed(mapping.items())))


def test_digest_tells_types_apart() -> None:
    values = [
        1,
        1.0,
        "1",
        "1.0",
        [1],
        date(2024, 1, 1),
        datetime(2024, 1, 1, tzinfo=UTC),
    ]
    assert len({digest(v) for v in values}) == len(values)


def test_digest_refuses_what_has_no_stable_text() -> None:
    with pytest.raises(TypeError, match="set"):
        digest({1, 2})

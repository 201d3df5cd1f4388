"""Links that only we can make."""

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.errors import DataError
from agroforest.notify.acknowledge import link_to, read_key, sign, verify

SECRET = bytes(range(32))
keys = st.binary(min_size=12, max_size=12).map(bytes.hex)


@given(key=keys)
def test_a_token_stands_for_its_message(key: str) -> None:
    token = sign(SECRET, key)
    assert len(token) == 32
    assert verify(SECRET, token) == key


@given(key=keys, at=st.integers(0, 31), to=st.sampled_from("aZ09-_"))
def test_a_token_that_was_changed_stands_for_nothing(
    key: str, at: int, to: str
) -> None:
    token = sign(SECRET, key)
    changed = token[:at] + to + token[at + 1 :]
    assert verify(SECRET, changed) == (key if changed == token else None)


@given(
    key=keys, other=st.binary(min_size=32, max_size=32).filter(lambda b: b != SECRET)
)
def test_another_key_signs_nothing_of_ours(key: str, other: bytes) -> None:
    assert verify(SECRET, sign(other, key)) is None


@given(token=st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9_-]{32}", fullmatch=True))
def test_whatever_else_stands_for_nothing(token: str) -> None:
    assert verify(SECRET, token) is None


@pytest.mark.parametrize("end", ["\n", "=", " ", "\x00", "é"])
def test_nothing_may_follow_a_token(end: str) -> None:
    assert verify(SECRET, sign(SECRET, "ab" * 12) + end) is None


def test_a_link() -> None:
    link = link_to("https://desk.example.cn", SECRET, "ab" * 12)
    assert link == f"https://desk.example.cn/a/{sign(SECRET, 'ab' * 12)}"
    assert link_to("", SECRET, "ab" * 12) == ""


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "work" / "notify.key"
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(read_key(path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(found) == {read_key(path)}
    assert len(found[0]) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notify.key"
    read_key(path)
    path.chmod(0o644)
    with pytest.raises(DataError, match="chmod 600"):
        read_key(path)


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notify.key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(DataError, match="5 bytes"):
        read_key(path)

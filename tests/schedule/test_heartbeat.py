"""Signs of life, whole or none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agroforest.schedule.heartbeat import (
    SILENCE,
    Heartbeat,
    heartbeat_path,
    read_heartbeat,
    remove_heartbeat,
    write_heartbeat,
)

NOW = datetime(2024, 11, 1, 18, tzinfo=UTC)
BEAT = Heartbeat(
    pid=7,
    started=NOW - timedelta(days=3),
    beat=NOW,
    next=NOW + timedelta(hours=5),
    running="gaofeng",
    pipelines=("gaofeng", "nanning"),
)


def test_a_sign_of_life_is_read_as_it_was_left(tmp_path: Path) -> None:
    assert read_heartbeat(tmp_path) is None
    write_heartbeat(tmp_path, BEAT)
    assert read_heartbeat(tmp_path) == BEAT
    remove_heartbeat(tmp_path)
    remove_heartbeat(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_silence_and_the_future_are_no_life() -> None:
    second = timedelta(seconds=1)
    assert BEAT.is_alive(NOW + SILENCE)
    assert not BEAT.is_alive(NOW + SILENCE + second)
    assert not BEAT.is_alive(NOW - SILENCE - second)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"pid": 1}', "[" * 100_000, '{"pid": "x"}', "\0"]
)
def test_what_is_no_sign_is_none(tmp_path: Path, text: str) -> None:
    heartbeat_path(tmp_path).write_text(text)
    assert read_heartbeat(tmp_path) is None

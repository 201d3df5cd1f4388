"""Patience with a database that is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agroforest.core.errors import SourceError
from agroforest.nightly.execution import DATABASE_PATIENCE_S, Patience
from agroforest.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db") as opened:
        yield opened


class Away:
    """A database that is away for some questions."""

    def __init__(self, where: str, times: int) -> None:
        self.where, self.left = where, times

    def __call__(self) -> str:
        self.left -= 1
        if self.left >= 0:
            raise SourceError(self.where, "does not answer", "start it")
        return "answer"


def test_a_database_that_comes_back_costs_only_time(store: Store) -> None:
    waited: list[float] = []
    patience = Patience(pause=waited.append)
    assert patience.persist(store, Away(store.name, 5)) == "answer"
    assert waited == [0.5, 1, 2, 4, 8]


def test_a_minute_is_waited_out_and_two_are_not(store: Store) -> None:
    waited: list[float] = []
    patience = Patience(pause=waited.append)
    with pytest.raises(SourceError, match="does not answer; start it"):
        patience.persist(store, Away(store.name, 1000))
    assert sum(waited) == DATABASE_PATIENCE_S
    assert DATABASE_PATIENCE_S > 60


def test_other_sources_are_not_waited_for_here(store: Store) -> None:
    waited: list[float] = []
    patience = Patience(pause=waited.append)
    with pytest.raises(SourceError, match="example"):
        patience.persist(store, Away("https://example.org", 1))
    assert waited == []
    assert patience.wait(Away("anything", 2)) == "answer"

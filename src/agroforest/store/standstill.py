"""PostgreSQL that stands still: an error, where one would wait for ever.

A machine that vanishes is noticed by its line (`agroforest.store.database`). One whose
processes are stopped, or wait for a disk that hangs, keeps its lines: the kernel
acknowledges what they are sent, and only the answer to the question never comes.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, event

#: Seconds without a word of an answer after which it is given up. Arbitrary: as long as
#: a worker may be silent.
SILENCE_S = 600.0
#: The same where something waits that cannot wait for ten minutes: people who look at a
#: page, an open valve, readings that come in. Arbitrary; a night that records 50,000
#: alerts keeps others from writing for half of it (benchmarks/desk_store.py).
PROMPT_S = 30.0

#: Seconds to wait for a server that lets one in, where more would be waited for its
#: answers; psycopg's own limit, and the least that libpq knows.
_GREETING_S, _LEAST_GREETING_S = 130.0, 2.0

T = TypeVar("T")


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer does not come.

    Attributes
    ----------
    silence_s
        Seconds to wait for a word of it; ``None`` to wait for ever.
    """

    silence_s: float | None = None

    def wait(
        self,
        gen: Generator[Any, Any, T],
        *args: Any,  # noqa: ANN401  psycopg's, which differ by its version
        **kwargs: Any,  # noqa: ANN401
    ) -> T:
        """Wait for an answer.

        Raises
        ------
        psycopg.OperationalError
            It does not come.
        """
        if self.silence_s is None:
            return super().wait(gen, *args, **kwargs)
        try:
            return super().wait(_expect(gen, self.silence_s), *args, **kwargs)
        except _SilenceError:
            self.pgconn.finish()  # its answer, should it come, is nobody's
            raise


class _SilenceError(psycopg.OperationalError):
    pass


def watch(engine: Engine, silence_s: float | None = None) -> None:
    """Have all connections of an engine watched.

    Parameters
    ----------
    engine
        Of PostgreSQL.
    silence_s
        Seconds to wait for a word of an answer; `SILENCE_S` unless given.
    """

    def connect(
        _dialect: object, _record: object, args: list[Any], settings: dict[str, Any]
    ) -> WatchedConnection:
        patience_s = SILENCE_S if silence_s is None else silence_s
        greeting_s = max(_LEAST_GREETING_S, min(patience_s, _GREETING_S))
        settings.setdefault("connect_timeout", round(greeting_s))
        connection = WatchedConnection.connect(*args, **settings)
        connection.silence_s = patience_s
        return connection

    event.listen(engine, "do_connect", connect)


@contextmanager
def unhurried(connection: Connection) -> Iterator[None]:
    """Wait for whatever is asked within the block, however long it takes."""
    line = connection.connection.driver_connection
    if not isinstance(line, WatchedConnection):
        yield
        return
    kept, line.silence_s = line.silence_s, None
    try:
        yield
    finally:
        line.silence_s = kept


def _expect(gen: Generator[Any, Any, T], silence_s: float) -> Generator[Any, Any, T]:
    """Hand everything on, and give up when nothing has come for so long.

    Whoever drives it asks every tenth of a second, with nothing if nothing came.
    """
    heard = monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            now = monotonic()
            if ready:
                heard = now
            elif now - heard > silence_s:
                raise _SilenceError(f"no answer for {silence_s:.0f} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        answer: T = end.value
        return answer

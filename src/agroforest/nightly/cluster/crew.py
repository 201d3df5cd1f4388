"""The workers of a Dask scheduler that are fit for a run."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from distributed import Client

from agroforest.core.errors import ConfigurationError, SourceError
from agroforest.nightly.cluster.scheduler import Scheduler
from agroforest.nightly.cluster.worker import INSPECTED_S, Fitness, Terms, inspect

T = TypeVar("T")

_log = logging.getLogger(__name__)

# Seconds of silence before the operator is told what is being waited for.
_SILENT = 3.0
# Seconds after which a scheduler that does not answer is lost: longer than a worker may
# take to be inspected. Arbitrary.
_ANSWER_S = 2 * INSPECTED_S
_POLL = 0.5


@contextmanager
def connected(scheduler: Scheduler) -> Iterator[Client]:
    """Connect to a scheduler for the duration of the block.

    Raises
    ------
    ConfigurationError
        Nothing answers within the scheduler's patience, or it refuses; its
        address or the certificates cannot be used.
    """
    security = scheduler.security("client")
    waiting = threading.Timer(
        _SILENT,
        _log.warning,
        ("waiting for %s, up to %.0f s", scheduler.address, scheduler.patience),
    )
    waiting.daemon = True
    waiting.start()
    try:
        client = Client(
            scheduler.address,
            security=security,
            timeout=scheduler.patience,
            set_as_default=False,
            name="agroforest",
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            scheduler.address,
            f"no Dask scheduler answers ({_reason(error)})",
            "start it, mend its address or certificates, or leave --scheduler out",
        ) from error
    finally:
        waiting.cancel()
    dask_log = logging.getLogger("distributed.client")
    try:
        yield client
    except SourceError:
        # Closing would log how it gave up connecting again, with a traceback; and what
        # it still wanted of the scheduler is logged whenever its memory is freed.
        dask_log.disabled = True
        loop = getattr(client.loop, "asyncio_loop", None)  # tornado's stubs hide it
        if loop is not None:
            loop.set_exception_handler(_note)
        raise
    finally:
        client.close()
        dask_log.disabled = False


def _note(_: object, context: Mapping[str, object]) -> None:
    _log.debug("left undone with a lost scheduler: %s", context.get("message"))


class Crew:
    """Looks after the workers of a scheduler while a run needs them.

    A worker that cannot work for the run is named and sent away: idle because it
    fails at once, it would otherwise draw all tasks to itself.

    Parameters
    ----------
    client
        Connected to the scheduler.
    scheduler
        The scheduler.
    terms
        What its workers must share with this process.
    """

    def __init__(self, client: Client, scheduler: Scheduler, terms: Terms) -> None:
        self._client = client
        self._scheduler = scheduler
        self._terms = terms
        self._fit: set[str] = set()
        self._problem = ""
        self._told: set[str] = set()
        self._alone_since: float | None = None

    def gather(self) -> None:
        """Wait for a fit worker; raises as `look_after` does."""
        self._alone_since, self._problem = None, ""
        self.look_after()
        while not self._fit:
            time.sleep(_POLL)
            self.look_after()

    def look_after(self, *, everybody: bool = False) -> None:
        """Inspect workers that came since the last call; send the unfit away.

        Parameters
        ----------
        everybody
            Inspect all: something went wrong that should not.

        Raises
        ------
        ConfigurationError
            Only workers that are not fit came within the scheduler's patience.
        SourceError
            There has been no worker for longer than that, or the scheduler is
            lost.
        """
        self.require_connection()
        try:
            present = set(self._ask(self._client.nthreads))
            self._fit = set() if everybody else self._fit & present
            self._inspect(sorted(present - self._fit))
        except OSError as error:
            raise self.lost() from error
        self._await_somebody()

    def require_connection(self) -> None:
        """Raise `SourceError` when the scheduler is lost, before waiting for it."""
        if self._client.status != "running":
            raise self.lost()

    def count(self) -> int:
        """Count the workers that were fit when they were last looked at."""
        return len(self._fit)

    def lost(self) -> SourceError:
        """Make the error that ends a night without its scheduler."""
        return SourceError(
            self._scheduler.address,
            "the connection to the scheduler was lost",
            "start it again, then run the night again: nothing of it was recorded",
        )

    def _inspect(self, workers: list[str]) -> None:
        if not workers:
            return
        found = self._ask(partial(self._inspect_each, workers))
        if any(isinstance(fitness, OSError) for fitness in found.values()):
            # One that left need not answer.
            present = self._ask(self._client.nthreads)
            found = {a: fitness for a, fitness in found.items() if a in present}
        unfit = []
        for address, fitness in sorted(found.items()):
            problem = self._judge(fitness)
            if problem:
                unfit.append(address)
                self._problem = f"worker on {_host(address)}: {problem}"
                self._tell(f"{self._problem}; it is sent away", logging.ERROR)
            else:
                self._fit.add(address)
                if isinstance(fitness, Fitness) and not fitness.shares_locks:
                    self._warn_of_locks(address)
        if unfit:
            with suppress(OSError):
                self._ask(
                    partial(self._client.retire_workers, unfit, close_workers=True)
                )

    async def _inspect_each(self, workers: list[str]) -> dict[str, object]:
        """Inspect workers side by side; of one that is stopped, a `TimeoutError`."""

        async def look(address: str) -> object:
            asked = self._client.run(
                inspect, self._terms, workers=[address], on_error="return"
            )
            try:
                return (await asyncio.wait_for(asked, INSPECTED_S))[address]
            except TimeoutError as error:
                return error

        found = await asyncio.gather(*map(look, workers))
        return dict(zip(workers, found, strict=True))

    def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask the scheduler something; a stopped one never answers.

        Raises
        ------
        TimeoutError
            It did not.
        """

        async def ask() -> T:
            return await question()

        answer: T = self._client.sync(ask, callback_timeout=_ANSWER_S)
        return answer

    def _judge(self, fitness: object) -> str:
        if isinstance(fitness, Fitness):
            return fitness.problem
        if isinstance(fitness, OSError):
            return f"does not answer ({_reason(fitness)})"
        return (
            f"cannot run agroforest {self._terms.version} ({_reason(fitness)}); "
            "install it there"
        )

    def _warn_of_locks(self, address: str) -> None:
        self._tell(
            f"worker on {_host(address)}: locks on its storage are its own; mount it "
            "with shared locks (docs/deploy.md)",
            logging.WARNING,
        )

    def _tell(self, message: str, level: int) -> None:
        """Log a message once, not for every process of a machine."""
        if message not in self._told:
            self._told.add(message)
            _log.log(level, message)

    def _await_somebody(self) -> None:
        if self._fit:
            self._alone_since = None
            return
        now = time.monotonic()
        if self._alone_since is None:
            self._alone_since = now
        alone = now - self._alone_since
        address, patience = self._scheduler.address, self._scheduler.patience
        if alone > patience and self._problem:
            raise ConfigurationError(address, "no worker is fit", self._problem)
        if alone > patience:
            raise SourceError(
                address,
                f"has had no worker for {patience:.0f} s",
                f"start one: agroforest worker {address} --work FOLDER",
            )
        if alone > min(_SILENT, patience):
            self._tell(
                f"{address} has no worker; waiting up to {patience:.0f} s",
                logging.WARNING,
            )


def _host(address: str) -> str:
    return urlsplit(address).hostname or address


def _reason(error: object) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

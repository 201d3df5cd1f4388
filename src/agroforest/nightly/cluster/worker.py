"""What a worker sees to around a task: its fitness, its paths, the tile's lock."""

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from agroforest import __version__
from agroforest.core.errors import AgroforestError, ConfigurationError, ModelError
from agroforest.core.log_context import logged
from agroforest.core.logs import begin_worker_logging
from agroforest.nightly.attempts import find_fault
from agroforest.nightly.cluster.beacon import Beacon
from agroforest.nightly.cluster.mounts import read_mounts
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.tile import failed, run_task
from agroforest.risk import load_model, models_dir

# Seconds a worker has to look at its storage; one whose storage hangs is not fit.
_INSPECTION = 30.0
#: Seconds after which whoever asked a worker to look no longer waits for its answer.
INSPECTED_S = 2 * _INSPECTION


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a worker on another machine must share with the run it works for.

    Attributes
    ----------
    version
        Of agroforest.
    roots
        The work folder as the client has it: as given, and with links resolved,
        which is how a catalogue names scenes inside it.
    pipeline
        Name of the pipeline.
    beacon
        In the pipeline's folder.
    model
        Name of the model, or ``None`` for the published rule.
    identity
        Digest of what the model says.
    """

    version: str
    roots: tuple[str, ...]
    pipeline: str
    beacon: Beacon
    model: str | None
    identity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitness:
    """Whether a worker can work for a run.

    Attributes
    ----------
    problem
        Why it cannot, in one line; empty when it can.
    shares_locks
        Whether it feels locks that the client holds.
    """

    problem: str = ""
    shares_locks: bool = True


def work(task: TileTask, key: str = "", *, model: Path | None) -> TaskResult:
    """Do a task on this machine, with a lease of its tile.

    Parameters
    ----------
    task
        What to do.
    key
        Name of the attempt.
    model
        Folder of the model, or ``None`` for the published rule.
    """
    with logged(tile=task.tile.id):
        try:
            begin_worker_logging()
            with task.workplace.tile_leased(task.tile.id, key) as lease:
                result = run_task(task, model).patch(fence=lease.fence)
                # Whatever went wrong after another took over: that is why.
                lease.require()
                return result
        except AgroforestError as error:
            return failed(task, str(error), find_fault(error))
        except OSError as error:
            # No room for a lease, say: whoever hears of it from outside would take it
            # for a worker that died, and hold it against the tile.
            folder = task.workplace.locks
            reason = f"{folder}: cannot be written ({error.strerror or error})"
            return failed(
                task,
                f"{reason}; make room, or look after the storage, and run the night "
                "again",
                find_fault(error),
            )


def work_for(terms: Terms, task: TileTask, key: str = "") -> TaskResult:
    """Do a task of a client on another machine, with the files of this one.

    Raises
    ------
    ConfigurationError
        This worker cannot do it, but another may.
    """
    mounts = read_mounts(terms.roots)
    own = mounts.bring(task)
    _require_version(terms)
    terms.beacon.require(own.workplace.folder)
    result = work(own, key, model=_own_model(terms.model, terms.identity))
    return mounts.send_back(result, task)


async def inspect(terms: Terms) -> Fitness:
    """Look at everything that this worker must share with the client."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(_inspect, terms), _INSPECTION)
    except TimeoutError:
        return Fitness(
            problem=f"its storage does not answer within {_INSPECTION:.0f} s; "
            "mount it again"
        )


def _inspect(terms: Terms) -> Fitness:
    try:
        _require_version(terms)
        root = read_mounts(terms.roots).here(terms.roots[0])
        folder = Path(root) / terms.pipeline
        terms.beacon.require(folder)
        terms.beacon.require_writable(folder)
        locks = terms.beacon.is_locked(folder)
        _own_model(terms.model, terms.identity)
    except AgroforestError as error:
        return Fitness(problem=str(error))
    return Fitness(shares_locks=locks)


def _require_version(terms: Terms) -> None:
    if terms.version != __version__:
        raise ConfigurationError(
            "agroforest",
            f"is {__version__} here and {terms.version} at the client",
            "install the same version on both",
        )


@lru_cache(maxsize=4)
def _own_model(name: str | None, identity: str) -> Path | None:
    """Folder of this machine's copy of the client's model."""
    if name is None:
        return None
    try:
        folder = models_dir() / name
        own = load_model(folder).identity
    except ModelError as error:
        raise ConfigurationError(error.where, error.problem, error.remedy) from error
    if own != identity:
        raise ConfigurationError(
            f"model {name}",
            f"is {own} here and {identity} at the client",
            "install the same models on both",
        )
    return folder

"""A process for one task that may kill whoever does it."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection

from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult

_Work = Callable[[TileTask, str], TaskResult]


class Died(Exception):  # noqa: N818  what happened, not what is wrong
    """The process ended without a result."""


def run_apart(
    work: _Work, task: TileTask, key: str, turn: threading.Lock
) -> "Future[TaskResult]":
    """Do a task in a process of its own, which is ended with this one.

    Parameters
    ----------
    work, task, key
        What to do, with what, and its name.
    turn
        Held meanwhile: those that share one are done one after another.

    Returns
    -------
    Future
        Of the result; its exception is `Died` if there will never be one.
    """
    promised: Future[TaskResult] = Future()
    thread = threading.Thread(
        target=_take_turn,
        args=(turn, promised, work, task, key),
        name=key,
        daemon=True,
    )
    thread.start()
    return promised


def _take_turn(
    turn: threading.Lock,
    promised: "Future[TaskResult]",
    work: _Work,
    task: TileTask,
    key: str,
) -> None:
    with turn:
        _await(promised, work, task, key)


def _await(
    promised: "Future[TaskResult]", work: _Work, task: TileTask, key: str
) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_do, args=(theirs, work), name=key, daemon=True)
    try:
        process.start()
        theirs.close()
        # Sent, not inherited: a process that dies while it starts breaks no pipe.
        ours.send((task, key))
        promised.set_result(ours.recv())
    except (EOFError, OSError) as error:
        promised.set_exception(Died(str(error)))
    except Exception as error:  # noqa: BLE001  whoever waits must hear of it
        promised.set_exception(error)
    finally:
        ours.close()
        process.join()


def _do(line: Connection, work: _Work) -> None:
    task, key = line.recv()
    line.send(work(task, key))

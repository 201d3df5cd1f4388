"""What is said of a task whose worker was lost, in one line with a remedy."""

from agroforest.core.errors import ConfigurationError
from agroforest.nightly.attempts import Fault
from agroforest.nightly.lease import Token
from agroforest.nightly.plan import TileTask
from agroforest.nightly.result import TaskResult
from agroforest.nightly.tile import failed

_AGAIN = "run the night again"


def killed(task: TileTask, deaths: int, *, still: bool = False) -> TaskResult:
    """Say that workers died of a task; `still` where we ended one that stood still."""
    died = "its worker died" if deaths == 1 else f"{deaths} workers died"
    why = (
        "its worker stood still and was ended"
        if still
        else f"{died} of it, often for want of memory"
    )
    problem = f"{task.tile.id}: {why}; look into their logs, then {_AGAIN}"
    return failed(task, problem, Fault.KILLED).patch(deaths=deaths)


def innocent(task: TileTask) -> TaskResult:
    """Say that a worker died while it held a task that it had not begun."""
    problem = f"{task.tile.id}: its worker died of something else; {_AGAIN}"
    return failed(task, problem, Fault.LOST)


def given_up(task: TileTask, token: Token) -> TaskResult:
    """Say that nobody waits any longer for a worker that we cannot end."""
    why = f"its worker ({token.holder}) stood still; end it"
    problem = f"{task.tile.id}: {why}, then {_AGAIN}"
    return failed(task, problem, Fault.KILLED).patch(fence=token.fence)


def lost(task: TileTask, error: BaseException) -> TaskResult:
    """Say what came of a task instead of a result."""
    if isinstance(error, ConfigurationError):
        return failed(task, str(error), Fault.PLACE)
    why = f"worker lost ({type(error).__name__})"
    return failed(task, f"{task.tile.id}: {why}; {_AGAIN}", Fault.LOST)

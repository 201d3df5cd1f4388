"""What people can ask the desk to do with a case: one command for each act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from unicodedata import category

from shapely import LineString

from agroforest.core.account import Right
from agroforest.core.errors import DataError
from agroforest.core.review import (
    NOTE_LENGTH,
    REASONS,
    Act,
    Reason,
    Sampling,
    Verdict,
)

#: Characters of a name; see `agroforest.core.account.Account`.
NAME_LENGTH = 200
_LAYOUT = {ord(c): " " for c in "\n\r\t"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _OnOne:
    """A command on one case.

    Attributes
    ----------
    case
        Its id.
    note
        Why, in their words.

    Raises
    ------
    DataError
        The note is too long or holds characters that cannot be kept.
    """

    case: str
    note: str = ""

    def __post_init__(self) -> None:
        check_text(f"note on case {self.case}", self.note, NOTE_LENGTH)

    @property
    def ids(self) -> tuple[str, ...]:
        """Cases that it names."""
        return (self.case,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass(_OnOne):
    """Say that a case is worth a verdict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirm(_OnOne):
    """Say that it is so.

    Of stressed canopy this names no cause: samples are to be taken.
    """

    reason: Reason

    def __post_init__(self) -> None:
        _OnOne.__post_init__(self)
        _check_reason(self.case, Verdict.CONFIRMED, self.reason, self.note)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dismiss(_OnOne):
    """Say that it is not so."""

    reason: Reason

    def __post_init__(self) -> None:
        _OnOne.__post_init__(self)
        _check_reason(self.case, Verdict.DISMISSED, self.reason, self.note)


@dataclass(frozen=True, kw_only=True, slots=True)
class Approve(_OnOne):
    """Let somebody else's verdict stand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Return(_OnOne):
    """Ask for another verdict, or take one's own back; the note says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assign(_OnOne):
    """Make somebody responsible; an empty name makes nobody so."""

    to: str

    def __post_init__(self) -> None:
        _OnOne.__post_init__(self)
        check_text("name of an account", self.to, NAME_LENGTH)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCheck(_OnOne):
    """Send somebody to the place."""

    to: str
    due: date | None = None
    sample: bool = False

    def __post_init__(self) -> None:
        _OnOne.__post_init__(self)
        check_text("name of an account", self.to, NAME_LENGTH)
        if not self.to.strip():
            raise DataError(f"case {self.case}", "nobody is sent", "say who shall go")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportCheck(_OnOne):
    """Say what was found at the place."""

    found: str

    def __post_init__(self) -> None:
        _OnOne.__post_init__(self)
        check_text(f"report on case {self.case}", self.found, NOTE_LENGTH)
        if not self.found.strip():
            raise DataError(
                f"case {self.case}", "the report is empty", "say what was found"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample(_OnOne):
    """Go one step on with a suspicion of pine wilt.

    `positive` is what the laboratory answered, and given for that step alone.
    """

    to: Sampling
    positive: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Note(_OnOne):
    """Write something down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge(_OnOne):
    """Let cases go on as one other; `others` go into `case`."""

    others: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Cases that it names."""
        return (self.case, *self.others)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmerge(_OnOne):
    """Take a case out of the one that it was merged into."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split(_OnOne):
    """Cut a case into several: along a line, or into its separate pieces.

    `line` is in degrees, WGS 84.
    """

    line: LineString | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsplit(_OnOne):
    """Join the parts of a case again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Close(_OnOne):
    """End a case; with field work unfinished the note says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reopen(_OnOne):
    """Ask for a verdict again; the note says why."""


Command = (
    Pass
    | Confirm
    | Dismiss
    | Approve
    | Return
    | Assign
    | OrderCheck
    | ReportCheck
    | Sample
    | Note
    | Merge
    | Unmerge
    | Split
    | Unsplit
    | Close
    | Reopen
)

#: The act of each command.
ACTS: Mapping[type, Act] = {
    Pass: Act.PASS,
    Confirm: Act.CONFIRM,
    Dismiss: Act.DISMISS,
    Approve: Act.APPROVE,
    Return: Act.RETURN,
    Assign: Act.ASSIGN,
    OrderCheck: Act.ORDER_CHECK,
    ReportCheck: Act.REPORT_CHECK,
    Sample: Act.SAMPLE,
    Note: Act.NOTE,
    Merge: Act.MERGE,
    Unmerge: Act.UNMERGE,
    Split: Act.SPLIT,
    Unsplit: Act.UNSPLIT,
    Close: Act.CLOSE,
    Reopen: Act.REOPEN,
}

_SUPERVISED = frozenset({Act.APPROVE, Act.RETURN, Act.CLOSE, Act.REOPEN})


def find_right(act: Act) -> Right:
    """Right that an act needs; see also `agroforest.review.life.find_right`."""
    return Right.SUPERVISE if act in _SUPERVISED else Right.JUDGE


def check_text(where: str, text: str, length: int) -> None:
    """Refuse a text that cannot be kept or shown as it is.

    Raises
    ------
    DataError
        It is longer than `length` characters, or holds control characters (lines and
        tabs are fine) or halves of characters.
    """
    if len(text) > length:
        raise DataError(
            where, f"has {len(text)} characters", f"keep it to {length} characters"
        )
    plain = text.translate(_LAYOUT)
    bad = next((c for c in plain if category(c) in {"Cc", "Cs"}), None)
    if bad is not None:
        raise DataError(where, f"holds the character {bad!r}", "leave it out")


def _check_reason(case: str, verdict: Verdict, reason: Reason, note: str) -> None:
    offered = REASONS[verdict]
    if reason not in offered:
        raise DataError(
            f"case {case}",
            f"{reason!s} is no reason for {verdict}",
            f"give one of {', '.join(offered)}",
        )
    if reason == Reason.OTHER and not note.strip():
        raise DataError(
            f"case {case}", "the reason is other, and nothing says which", "add a note"
        )

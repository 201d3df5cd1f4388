"""``agroforest alerts``: the acts of people, one command each."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.alerts_words import plain_case, tell_change
from agroforest.cli.desk_options import (
    DEFAULT_WORK,
    As,
    CaseId,
    Config,
    Database,
    Json,
    NoteText,
    Seen,
    WorkFolder,
    dump,
    find_account,
    follow_nights,
    open_desk_store,
    read_day,
    read_now,
)

if TYPE_CHECKING:
    from enum import StrEnum
    from typing import TypeVar

    from agroforest.review.commands import Command

    _Word = TypeVar("_Word", bound=StrEnum)

#: Commands that need no more than a case and a note: their name, and what they do.
_SIMPLE = {
    "pass": ("Pass", "初筛通过，转入研判 · Say that a case is worth a verdict."),
    "approve": ("Approve", "复核同意 · Let somebody else's verdict stand."),
    "return": (
        "Return",
        "退回，或撤回自己的判断 · Ask for another verdict; needs --note.",
    ),
    "note": ("Note", "备注 · Write something down; needs --note."),
    "unmerge": ("Unmerge", "撤销合并 · Take a case out of the one it went into."),
    "unsplit": ("Unsplit", "撤销拆分 · Join the parts of a case again."),
    "close": ("Close", "结案 · End a case."),
    "reopen": ("Reopen", "重启 · Ask for a verdict again; needs --note."),
}
Reason = Annotated[str, typer.Option(help="Of the list; `other` needs --note.")]


def register(app: typer.Typer) -> None:
    """Add the acts to ``agroforest alerts``."""
    for name, (kind, words) in _SIMPLE.items():
        app.command(name=name, help=words)(_build_simple(kind))
    for name, command in (
        ("confirm", confirm),
        ("dismiss", dismiss),
        ("assign", assign),
        ("check", check),
        ("sample", sample),
        ("merge", merge),
        ("split", split),
    ):
        app.command(name=name)(command)


def confirm(
    case: CaseId,
    *,
    reason: Reason,
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """判为属实 · Say that it is so.

    Reasons: seen-in-images, seen-in-field, reported, other. Of stressed canopy this
    names no cause: samples are to be taken.
    """
    from agroforest.core import review
    from agroforest.review.commands import Confirm

    given = _read_word("--reason", reason, review.Reason)
    command = Confirm(case=case, reason=given, note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def dismiss(
    case: CaseId,
    *,
    reason: Reason,
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """判为不属实 · Say that it is not so.

    Reasons: cloud, harvest, shadow, known-fire-place, duplicate, other.
    """
    from agroforest.core import review
    from agroforest.review.commands import Dismiss

    given = _read_word("--reason", reason, review.Reason)
    command = Dismiss(case=case, reason=given, note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def assign(
    case: CaseId,
    *,
    to: Annotated[str, typer.Option(help="Account; empty for nobody.")],
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """指派 · Make somebody responsible."""
    from agroforest.review.commands import Assign

    command = Assign(case=case, to=to, note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def check(
    case: CaseId,
    *,
    to: Annotated[str, typer.Option(help="Account that shall go.")] = "",
    due: Annotated[str, typer.Option(help="Until when, 2024-05-31.")] = "",
    take_samples: Annotated[
        bool, typer.Option("--sample", help="Take samples for a laboratory.")
    ] = False,
    found: Annotated[str, typer.Option(help="What was found there.")] = "",
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """现场核查：派人（--to），或报告结果（--found） · Send somebody, or report."""
    from agroforest.core.errors import ConfigurationError
    from agroforest.review.commands import OrderCheck, ReportCheck

    if bool(to) == bool(found):
        raise ConfigurationError(
            "alerts check",
            "needs --to or --found, and not both",
            "say who shall go, or what was found",
        )
    command: Command
    if found:
        command = ReportCheck(case=case, found=found, note=note)
    else:
        day = read_day("--due", due)
        command = OrderCheck(case=case, to=to, due=day, sample=take_samples, note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def sample(
    case: CaseId,
    step: Annotated[
        str, typer.Argument(help="sampled, laboratory, felled or stump-checked.")
    ],
    *,
    positive: Annotated[
        bool | None,
        typer.Option("--positive/--negative", help="What the laboratory answered."),
    ] = None,
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """松材线虫病疑似：取样、检测、采伐、伐桩核查 · Go one step on with a suspicion."""
    from agroforest.core.review import Sampling
    from agroforest.review.commands import Sample

    to = _read_word("STEP", step, Sampling)
    command = Sample(case=case, to=to, positive=positive, note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def merge(
    case: CaseId,
    others: Annotated[list[str], typer.Argument(help="Ids that go into it.")],
    *,
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """合并：其余并入 CASE · Let other cases go on as CASE."""
    from agroforest.review.commands import Merge

    command = Merge(case=case, others=tuple(others), note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def split(
    case: CaseId,
    *,
    line: Annotated[
        str,
        typer.Option(
            metavar="LON,LAT LON,LAT …",
            help="Cut along it, degrees; without it into separate pieces.",
        ),
    ] = "",
    note: NoteText = "",
    who: As = "",
    seen: Seen = None,
    config: Config = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """拆分 · Cut a case into several."""
    from shapely import LineString

    from agroforest.core.errors import ConfigurationError
    from agroforest.review.commands import Split

    try:
        points = [tuple(map(float, pair.split(","))) for pair in line.split()]
        drawn = LineString(points) if points else None
    except (ValueError, TypeError):
        raise ConfigurationError(
            "--line", f"{line!r} is no line", "write 102.1,25.0 102.2,25.1"
        ) from None
    command = Split(case=case, line=drawn, note=note)
    _act(command, who, seen, config, work, database, as_json=as_json)


def _build_simple(kind: str) -> Callable[..., None]:
    def command(
        case: CaseId,
        *,
        note: NoteText = "",
        who: As = "",
        seen: Seen = None,
        config: Config = None,
        work: WorkFolder = DEFAULT_WORK,
        database: Database = "",
        as_json: Json = False,
    ) -> None:
        from agroforest.review import commands

        asked: Command = getattr(commands, kind)(case=case, note=note)
        _act(asked, who, seen, config, work, database, as_json=as_json)

    return command


def _act(
    command: "Command",
    who: str,
    seen: int | None,
    config: Path | None,
    work: Path,
    database: str,
    *,
    as_json: bool,
) -> None:
    """Follow what nights did, act, and say what became of the cases."""
    from agroforest.desk.work import act

    with open_desk_store(work, database) as store:
        by = find_account(store, who)
        bureau = follow_nights(store, config)
        versions = {} if seen is None else {command.case: seen}
        done = act(store, bureau, command, by, now=read_now(), seen=versions)
    if as_json:
        dump({"cases": [plain_case(case) for case in done.cases]})
        return
    for case in done.cases:
        typer.echo(tell_change(case))


def _read_word(option: str, text: str, kind: "type[_Word]") -> "_Word":
    from agroforest.core.errors import ConfigurationError

    if text not in set(kind):
        raise ConfigurationError(
            option, f"{text!r} is not known", f"give one of {', '.join(kind)}"
        )
    return kind(text)

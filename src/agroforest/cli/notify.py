"""``agroforest notify``: send messages, see what became of them, try a channel."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.desk_options import (
    DEFAULT_WORK,
    Database,
    Json,
    WorkFolder,
    dump,
    open_desk_store,
)

if TYPE_CHECKING:
    from agroforest.core.message import Message
    from agroforest.desk.settings import DeskSettings
    from agroforest.notify.deliver import Office
    from agroforest.notify.round import Round
    from agroforest.store import Store

app = typer.Typer(
    help="Send messages about alerts to people. · 消息发送", no_args_is_help=True
)

Config = Annotated[
    Path,
    typer.Option(
        envvar="AGROFOREST_DESK", help="The desk's settings, TOML; docs/messages.md."
    ),
]
#: Between two looks at nights that are not run. Arbitrary: they are a day apart.
_LOOK_AGAIN = timedelta(minutes=10)
_SHOWN = 20  # messages in trouble; --json has them all


@app.callback()
def notify() -> None:
    """消息：发送、状态、试发、汇总、预览 · Messages to people."""


@app.command()
def send(
    *,
    config: Config,
    every: Annotated[
        float | None,
        typer.Option(min=1, help="Go on, with so many seconds between rounds."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """发送到期的消息 · Send what is due, and escalate what nobody has read.

    Administrators are told of two nights and more that were not run. Once, or for ever
    with --every. May be killed at any moment and run by several at
    once; docs/messages.md says which channels may then get a message twice.
    """
    from agroforest.notify.channels import open_channels
    from agroforest.notify.deliver import Crew
    from agroforest.notify.round import run_round

    settings = _read(config)
    channels, lacking = open_channels(settings.notify)
    for line in lacking:
        typer.echo(f"agroforest: {line}", err=True)
    stop = threading.Event()
    with _stopped_by_signals(stop), open_desk_store(work, database) as store:
        crew = Crew(_build_office(store, settings, work), channels)
        looked: datetime | None = None
        while True:
            now = datetime.now(UTC)
            if looked is None or not looked <= now < looked + _LOOK_AGAIN:
                _look_at_nights(store, settings, now)
                looked = now
            _tell_round(run_round(store.desk, crew), as_json=as_json)
            if every is None or stop.wait(every):
                return


@app.command()
def status(
    *,
    config: Config,
    days: Annotated[int, typer.Option(min=1, max=366, help="Of so many days.")] = 7,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """消息去向 · Count messages by channel and delivery; list those that failed."""
    settings = _read(config).notify
    since = datetime.now(UTC) - timedelta(days=days)
    with open_desk_store(work, database) as store:
        messages = store.desk.messages(since=since, limit=100_000)
    counts: dict[str, dict[str, int]] = {name: {} for name in settings.channels}
    for each in messages:
        of_channel = counts.setdefault(each.channel, {})
        of_channel[str(each.delivery)] = of_channel.get(str(each.delivery), 0) + 1
    trouble = [_describe(m) for m in messages if m.error and m.sent is None]
    unknown = sorted(counts.keys() - settings.channels.keys())
    if as_json:
        found = {"channels": counts, "unknown": unknown, "trouble": trouble}
        dump(found)
        return
    for name, by_delivery in counts.items():
        note = "（设置中没有 · not in the settings）" if name in unknown else ""
        shown = ", ".join(f"{n} {word}" for word, n in sorted(by_delivery.items()))
        typer.echo(f"{name}{note}: {shown or '无 · none'}")
    for one in trouble[:_SHOWN]:
        typer.echo(
            f"  {one['created'][:16]}  {one['account']}  {one['channel']}  "
            f"{one['delivery']}  {one['error']}"
        )


@app.command(name="test")
def try_channel(
    channel: Annotated[str, typer.Argument(help="Name in the settings.")],
    *,
    config: Config,
    to: Annotated[
        str, typer.Option(help="Mailbox or number; none is needed for a group.")
    ] = "",
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    as_json: Json = False,
) -> None:
    """试发一条消息 · Send one message, marked as a test, and say how that went."""
    from agroforest.core.errors import ConfigurationError
    from agroforest.notify.channels import open_channel
    from agroforest.notify.trial import write_trial

    settings = _read(config).notify
    section = settings.channels.get(channel)
    if section is None:
        raise ConfigurationError(
            config,
            f"names no channel {channel!r}",
            f"give one of {', '.join(settings.channels) or 'those you add'}",
        )
    if not to and not section.is_group:
        raise ConfigurationError("--to", "is missing", "give a mailbox or a number")
    opened = open_channel(channel, section)
    outgoing = write_trial(to=to, language=language, now=datetime.now(UTC))
    receipt = opened.send(outgoing)
    if as_json:
        dump({"channel": channel, "taken": True})
        return
    typer.echo(f"已被接收 · taken by {channel} {receipt.detail}".rstrip())


@app.command()
def digest(
    *,
    config: Config,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """立即汇总 · Gather at once what waits for the day's digest; `send` sends it."""
    from agroforest.notify.round import digest_now

    _read(config)
    with open_desk_store(work, database) as store:
        count = digest_now(store.desk, datetime.now(UTC))
    if as_json:
        dump({"gathered": count})
        return
    typer.echo(f"{count} 条已汇总 · messages gathered")


@app.command()
def again(
    *,
    config: Config,
    days: Annotated[int, typer.Option(min=1, max=366, help="Of so many days.")] = 2,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """重发失败的消息 · Let `send` try once more what failed, after it was mended."""
    from agroforest.notify.round import send_again

    _read(config)
    now = datetime.now(UTC)
    with open_desk_store(work, database) as store:
        count = send_again(store.desk, now, since=now - timedelta(days=days))
    if as_json:
        dump({"again": count})
        return
    typer.echo(f"{count} 条失败消息待重发 · failed messages wait again")


@app.command()
def preview(
    case: Annotated[str, typer.Argument(help="Id of the case.")],
    *,
    config: Config,
    channel: Annotated[str, typer.Option(help="As this channel would get it.")] = "",
    language: Annotated[str, typer.Option(help="zh or en; both unless given.")] = "",
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """预览消息 · Show what messages about a case say; nothing is sent.

    Where nobody was told of it, shows what would be said of a new alert.
    """
    from agroforest.desk.bureau import open_bureau
    from agroforest.notify.facts import describe_case
    from agroforest.notify.trial import draft_messages, preview_messages

    desk = _read(config)
    settings = desk.notify
    with open_desk_store(work, database) as store:
        messages = store.desk.messages(subject=case, limit=1000)
        found = store.desk.case(case)
    if not messages and found is not None:
        bureau = open_bureau(desk)
        facts = describe_case(
            found, names=bureau.places, simulated=bureau.is_simulated(found.pipeline)
        )
        messages = draft_messages(found, facts, settings, datetime.now(UTC))
    texts = preview_messages(
        messages, settings, case=case, channel=channel, language=language
    )
    if as_json:
        dump([asdict(each) for each in texts])
        return
    for each in texts:
        typer.echo(f"[{each.news} · {each.channel} · {each.language} · {each.size}]")
        typer.echo(f"{each.text}\n")


@app.command()
def advice(
    *,
    config: Config,
    pipeline: Annotated[Path, typer.Option(help="Pipeline definition, TOML.")],
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """灌溉建议写给农户 · Write farmers what the newest night advises; `send` sends it.

    Once for each parcel and change; running it again writes nothing new.
    """
    from agroforest.core.config import read_pipeline
    from agroforest.desk.farmers import tell_farmers
    from agroforest.nightly.water.read import read_night
    from agroforest.nightly.workplace import Workplace

    settings, definition = _read(config), read_pipeline(pipeline)
    night = read_night(Workplace(root=work, pipeline=definition.name).folder)
    now = datetime.now(UTC)
    with open_desk_store(work, database) as store:
        count = tell_farmers(
            store, settings, night, now, simulated=definition.simulated
        )
    if as_json:
        dump({"written": count})
        return
    typer.echo(f"{count} 条灌溉建议待发 · messages to send")


@app.command()
def missed(
    *,
    config: Config,
    work: WorkFolder = DEFAULT_WORK,
    database: Database = "",
    as_json: Json = False,
) -> None:
    """漏跑告警 · Write administrators of nights that are not run, or are again.

    Once for each time they stop; `send` does so itself, and sends it.
    """
    from agroforest.health.alarm import tell_of_nights

    settings = _read(config)
    with open_desk_store(work, database) as store:
        count = tell_of_nights(store, settings, datetime.now(UTC))
    if as_json:
        dump({"written": count})
        return
    typer.echo(f"{count} 条漏跑消息待发 · messages to send")


# ----------------------------------------------------------------------- small


def _read(config: Path) -> "DeskSettings":
    from agroforest.desk.settings import read_desk

    return read_desk(config)


def _look_at_nights(store: "Store", settings: "DeskSettings", now: datetime) -> None:
    """Write about nights that are not run; if that fails, what waits is sent anyway."""
    from agroforest.core.errors import SourceError
    from agroforest.health.alarm import tell_of_nights

    try:
        tell_of_nights(store, settings, now)
    except SourceError as error:
        typer.echo(f"agroforest: {error}", err=True)


def _build_office(store: "Store", settings: "DeskSettings", work: Path) -> "Office":
    from agroforest.notify.acknowledge import KEY_FILE, read_key
    from agroforest.notify.deliver import Office

    secret = read_key(work / KEY_FILE)
    return Office(desk=store.desk, settings=settings.notify, secret=secret)


def _tell_round(done: "Round", *, as_json: bool) -> None:
    if as_json:
        found: dict[str, Any] = {"escalated": done.escalated}
        found["channels"] = {name: asdict(t) for name, t in done.channels.items()}
        dump(found)
        return
    if done.escalated:
        typer.echo(f"无人确认，已上报 · unread, escalated: {done.escalated}")
    for name, tally in done.channels.items():
        late = "，超时 · late" if tally.late else ""
        typer.echo(
            f"{name}: {tally.sent} 已发 sent, {tally.retried} 待重试 to retry, "
            f"{tally.failed} 失败 failed, {tally.digested} 汇总 digested{late}"
        )
        if tally.error:
            typer.echo(f"agroforest: {tally.error}", err=True)


def _describe(message: "Message") -> dict[str, Any]:
    return {
        "created": message.created.isoformat(),
        "subject": message.subject,
        "state": message.state,
        "account": message.account,
        "channel": message.channel,
        "delivery": str(message.delivery),
        "attempts": message.attempts,
        "error": message.error,
    }


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """End after the round that is under way; a second signal ends at once."""

    def ask(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {n: signal.signal(n, ask) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

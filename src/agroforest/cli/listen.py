"""``agroforest sensors listen``, ``replay`` and ``dead-letters``."""

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder

if TYPE_CHECKING:
    from agroforest.listen import Figures, ListenSettings

#: Seconds between lines of ``listen --json``.
_EVERY_S = 10.0

Config = Annotated[Path, typer.Argument(help="TOML; see docs/listener.md.")]
Since = Annotated[
    datetime | None,
    typer.Option(help="Only messages that came since then, UTC."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to ``agroforest sensors``."""
    app.command(name="listen")(listen)
    app.command(name="replay")(replay)
    app.command(name="dead-letters")(dead_letters)


def listen(
    config: Config, *, work: WorkFolder = DEFAULT_WORK, as_json: Json = False
) -> None:
    """Take messages of sensors from brokers and by HTTP until stopped.

    Every message is on the disk before its sender is told that we have it. With
    --json, figures are printed as a line every ten seconds, whenever a connection
    is made or lost, and at the end.
    """
    from agroforest.listen import listen as run
    from agroforest.listen import read_listen_settings
    from agroforest.store import PROMPT_S, open_store

    settings = read_listen_settings(config)
    folder = _spool(settings, work)
    stop = threading.Event()
    board = _Board(as_json=as_json)
    with (
        _stopped_by_signals(stop),
        open_store(_database(settings, config, work), silence_s=PROMPT_S) as store,
    ):
        done = run(
            settings, folder, store, stop=stop, tell=board.tell, opened=board.opened
        )
    board.close(done)


def replay(
    config: Config,
    *,
    since: Since = None,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Decode the messages in the spool again, with the settings as they are now.

    What is stored already is not stored twice. Dead letters that can be read now
    are settled.
    """
    from dataclasses import asdict

    from agroforest.listen import read_listen_settings
    from agroforest.listen import replay as run
    from agroforest.store import open_store

    settings = read_listen_settings(config)
    with open_store(_database(settings, config, work)) as store:
        done = run(
            settings,
            _spool(settings, work),
            store,
            since=None if since is None else since.replace(tzinfo=UTC),
        )
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    typer.echo(
        f"{done.messages} messages 条消息: {done.added} readings added 新增读数, "
        f"{done.known} known 已有, {done.conflicts} in conflict 冲突, "
        f"{done.dead} dead letters 死信, {done.settled} settled 已解决"
    )


def dead_letters(
    config: Annotated[
        Path | None, typer.Argument(help="The listener's TOML; for its database.")
    ] = None,
    *,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="Show so many, newest first.")] = 20,
    drop_before: Annotated[
        datetime | None,
        typer.Option(help="Remove those that came before then, UTC."),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """List messages that could not be read, with the reason."""
    from agroforest.listen import read_listen_settings
    from agroforest.store import open_store

    settings = None if config is None else read_listen_settings(config)
    with open_store(_database(settings, config, work)) as store:
        if drop_before is not None:
            count = store.spools.drop_dead_letters(drop_before.replace(tzinfo=UTC))
            typer.echo(f"removed 已删除: {count}", err=True)
        found = store.spools.dead_letters(
            since=None if since is None else since.replace(tzinfo=UTC), limit=limit
        )
        total = store.spools.count_dead()
    if as_json:
        rows = [
            {
                "received": each.received.isoformat(),
                "source": each.source,
                "reason": each.reason,
                "size": each.size,
                "kept": each.kept,
                "sha256": each.sha256,
                "head_hex": each.head.hex(),
                "spool": each.spool,
                "segment": each.segment,
                "byte": each.byte,
            }
            for each in found
        ]
        typer.echo(
            json.dumps({"total": total, "dead_letters": rows}, ensure_ascii=False)
        )
        return
    for each in found:
        head = each.head[:40].decode("utf-8", "backslashreplace")
        shown = "".join(c if c.isprintable() else "·" for c in head)
        typer.echo(f"{each.received:%Y-%m-%d %H:%M:%S}Z  {_plain(each.source)}")
        typer.echo(f"  {_plain(each.reason)} ({each.size} bytes: {shown})")
    typer.echo(f"{total} dead letters 死信")


class _Board:
    """Figures for a person at a terminal, lines of JSON if asked, else silence."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._live = sys.stderr.isatty() and not as_json
        self._told = float("-inf")
        self._brokers: dict[str, bool] = {}

    def opened(self, port: int | None) -> None:
        """Say where the webhook is."""
        if port is not None and self._json:
            typer.echo(json.dumps({"port": port}))

    def tell(self, figures: "Figures") -> None:
        """Show how far the listener is."""
        now = time.monotonic()
        is_news = figures.brokers != self._brokers
        if self._json and (is_news or now - self._told >= _EVERY_S):
            self._told, self._brokers = now, figures.brokers
            sys.stdout.write(f"{_line(figures)}\n")
            sys.stdout.flush()
        elif self._live and now - self._told >= 1:
            self._told = now
            sys.stderr.write(f"\r\x1b[K{_words(figures)}")
            sys.stderr.flush()

    def close(self, figures: "Figures") -> None:
        """Show the last figures."""
        if self._json:
            typer.echo(_line(figures))
        elif self._live:
            sys.stderr.write(f"\r\x1b[K{_words(figures)}\n")


def _line(figures: "Figures") -> str:
    from dataclasses import asdict

    return json.dumps(asdict(figures))


def _words(figures: "Figures") -> str:
    gone = [name for name, there in figures.brokers.items() if not there]
    return (
        f"收到 received {figures.received} · 已解码 decoded {figures.decoded} · "
        f"读数 readings {figures.added} · 死信 dead {figures.dead} · "
        f"滞后 lag {figures.lag_s:.0f} s"
        + (f" · 未连接 not connected: {', '.join(gone)}" if gone else "")
    )


def _plain(text: str) -> str:
    """Text from outside, without what a terminal would obey."""
    return "".join(c if c.isprintable() else "·" for c in text)


def _spool(settings: "ListenSettings", work: Path) -> Path:
    return settings.spool.folder or work / "spool"


def _database(
    settings: "ListenSettings | None", config: Path | None, work: Path
) -> str | Path:
    from agroforest.nightly.workplace import Workplace

    if settings is None or config is None or not settings.database:
        return Workplace(root=work, pipeline="").database
    if "://" in settings.database:
        return settings.database
    return config.absolute().parent / settings.database


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the listener in order; the second one at once."""

    def ask(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        stop.set()

    before = {s: signal.signal(s, ask) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

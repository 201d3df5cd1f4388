"""The end of ``agroforest demo --serve``: a desk to look at, and where to look."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agroforest.cli.options import shown

if TYPE_CHECKING:
    from socket import socket

    from agroforest.testing.morning import Morning
    from agroforest.testing.world import World


def serve_morning(work: Path, world: "World", door: "socket", *, as_json: bool) -> None:
    """Open the desk on the morning after, say who may log in, serve until Ctrl-C."""
    from agroforest.testing.morning import open_morning
    from agroforest.web.serve import serve

    host, port = door.getsockname()[:2]
    url = f"http://{host}:{port}"
    with open_morning(work, world, link=url) as morning:
        if as_json:
            typer.echo(json.dumps(_plain(morning, url), ensure_ascii=False))
        else:
            _print(morning, url)
        serve(morning.app, door)


def _print(morning: "Morning", url: str) -> None:
    from agroforest.core.words import review_words

    now = morning.clock().astimezone(morning.bureau.settings.zone)
    typer.echo("")
    typer.echo("全部为模拟：地区、影像、天气、机构和人员 · everything is simulated")
    typer.echo(f"研判台 review desk  {url}  ({now:%Y-%m-%d %H:%M})")
    typer.echo(f"信箱 mailbox        {morning.mailbox.url}")
    for path in morning.bulletins:
        typer.echo(f"简报 bulletin       {shown(path)}")
    typer.echo("账号 who may log in (新口令只显示这一次 · passwords are shown once):")
    for person in morning.people:
        account = person.account
        role = " · ".join(review_words(account.role))
        typer.echo(f"  {account.name:<6}{person.password}  {role}")
    typer.echo("看什么 what to look at:")
    for zh, en in _SIGHTS:
        typer.echo(f"  {zh} · {en}")
    typer.echo("Ctrl-C 结束 ends it")


_SIGHTS = (
    ("rui：队列，按 ? 看快捷键", "rui: the queue, keys under ?"),
    ("sun：待审定的结论；审计", "sun: verdicts to approve; the audit"),
    ("feng：手机宽度下的灌溉建议", "feng: advice on water, at a phone's width"),
    ("信箱：判定之后几秒收到消息", "the mailbox: messages seconds after a verdict"),
)


def _plain(morning: "Morning", url: str) -> dict[str, object]:
    return {
        "url": url,
        "mailbox": morning.mailbox.url,
        "bulletins": [str(path) for path in morning.bulletins],
        "people": {p.account.name: p.password for p in morning.people},
    }

"""``agroforest valve``: propose, approve, open with a closing time, close, audit."""

import json
import math
import re
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder
from agroforest.cli.valves_database import open_valves
from agroforest.cli.valves_given import given
from agroforest.cli.valves_shown import (
    find_against,
    find_weather,
    plain_action,
    plain_status,
)
from agroforest.cli.valves_words import (
    tell_action,
    tell_audit,
    tell_question,
    tell_status,
)

if TYPE_CHECKING:
    from agroforest.core.valve import Order
    from agroforest.store import Store
    from agroforest.valves.settings import ValveSettings
    from agroforest.valves.turn import Action

app = typer.Typer(
    help="Open and close valves, with an interlock. · 阀门控制", no_args_is_help=True
)

_LONGEST_WORDS = 500
_PATIENCE_S = 5.0
_LONGEST_S = 86_400
_ID = r"[\w.-]{1,64}"

Config = Annotated[Path, typer.Argument(help="TOML; see docs/valves.md.")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="Id, or how it begins.")]
By = Annotated[str, typer.Option(help="Your name.")]


@app.callback()
def valve() -> None:
    """阀门控制：建议、批准、定时开阀、关阀、审计 · Valves with an interlock."""


@app.command()
def propose(
    config: Config,
    name: Annotated[str, typer.Argument(metavar="VALVE", help="Id of the valve.")],
    *,
    why: Annotated[str, typer.Option(help="The reason, for who approves.")],
    minutes: Annotated[
        float | None, typer.Option(min=0, help="How long to be open.")
    ] = None,
    m3: Annotated[
        float | None, typer.Option(min=0, help="Or how much water, at the rated flow.")
    ] = None,
    sensor: Annotated[
        list[str] | None,
        typer.Option(help="Id of a sensor behind the advice; may be repeated."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who proposes it.")] = "advice",
    order: Annotated[
        str, typer.Option(help="Id; proposing it again changes nothing.")
    ] = "",
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """提出灌溉建议 · Propose to open a valve; nothing is opened by that."""
    from agroforest.core.errors import ConfigurationError
    from agroforest.core.identity import digest
    from agroforest.core.valve import Order
    from agroforest.valves.control import decide
    from agroforest.valves.settings import read_valve_settings
    from agroforest.valves.turn import Propose

    settings = read_valve_settings(config)
    known = _find_valve(settings, config, name)
    if (minutes is None) == (m3 is None):
        raise ConfigurationError(
            "valve propose", "needs one of --minutes and --m3", "give one of the two"
        )
    seconds = minutes * 60 if minutes is not None else (m3 or 0) / known * 3600
    if not 1 <= seconds <= _LONGEST_S:
        raise ConfigurationError(
            "valve propose", f"is {seconds:.0f} s long", "give a second to a day"
        )
    if order and not re.fullmatch(_ID, order):
        raise ConfigurationError(
            "--order", f"{order!r} is no id", "use letters, digits, dots and dashes"
        )
    now = datetime.now(UTC)
    made = Order(
        id=order or digest(name, now, seconds),
        valve=name,
        seconds=math.floor(seconds),
        why=_check_words("--why", why),
        sensors=tuple(sensor or ()),
        proposed=now,
        proposed_by=_check_words("--by", by),
    )
    with open_valves(settings, config, work) as store:
        done = decide(
            store, Propose(order=made), settings.limits, now=now, orders=(made.id,)
        )
        _tell_order(store, settings, done.facts.orders[made.id], as_json=as_json)


@app.command()
def approve(
    config: Config,
    order: OrderId,
    *,
    by: Annotated[str | None, typer.Option(help="Your name; asked for.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask; --by must name you.")
    ] = False,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """批准开阀：由人决定 · Approve an order, as a person, by name.

    Shown before: volume, minutes, the reason, what the forecast says, and what speaks
    against it. The rules are asked again at the moment of opening.
    """
    from agroforest.core.errors import ConfigurationError
    from agroforest.valves.control import decide
    from agroforest.valves.settings import read_valve_settings
    from agroforest.valves.turn import Approve

    settings = read_valve_settings(config)
    with open_valves(settings, config, work) as store:
        found = _find_order(store, order)
        if not yes:
            against = find_against(store, settings, found)
            weather = find_weather(store, settings)
            limits = settings.limits
            typer.echo(tell_question(found, limits, weather, against), err=True)
            by = by or typer.prompt("批准人姓名 Your name", err=True)
            typer.confirm("批准开阀 Approve", abort=True, err=True)
        if not by:
            raise ConfigurationError("--by", "is not given", "say who approves")
        event = Approve(order=found.id, by=_check_words("--by", by))
        now = datetime.now(UTC)
        done = decide(store, event, settings.limits, now=now, orders=(found.id,))
        _tell_order(store, settings, done.facts.orders[found.id], as_json=as_json)


@app.command()
def run(
    config: Config,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be sent.")
    ] = False,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """运行控制器 · Watch valves and open what is approved, until stopped.

    Nothing is sent unless the settings say enabled = true. A valve that is open when
    this ends closes by itself at its time.
    """
    from agroforest.valves.control import Controller
    from agroforest.valves.link import MqttLink
    from agroforest.valves.settings import read_valve_settings

    settings = read_valve_settings(config)
    if dry_run:
        settings = settings.model_copy(update={"enabled": False})
    stop = threading.Event()

    def tell(action: "Action") -> None:
        line = json.dumps(plain_action(action), ensure_ascii=False)
        typer.echo(line if as_json else tell_action(action, settings.limits))

    if not settings.enabled:
        typer.echo("未启用，只演练 · not enabled: nothing is sent", err=True)
    with open_valves(settings, config, work) as store:
        controller = Controller(settings, store, MqttLink(settings), tell=tell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        controller.run(stop)


@app.command()
def status(
    config: Config, *, work: WorkFolder = DEFAULT_WORK, as_json: Json = False
) -> None:
    """阀门与指令的状态 · Show valves, orders, and the water of today."""
    from agroforest.valves.settings import read_valve_settings

    settings = read_valve_settings(config)
    with open_valves(settings, config, work) as store:
        found = plain_status(store, settings)
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else tell_status(found))


@app.command()
def close(
    config: Config,
    name: Annotated[str, typer.Argument(metavar="VALVE", help="Id of the valve.")],
    *,
    by: By,
    why: Annotated[str, typer.Option(help="The reason.")] = "",
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """立即关阀 · Close a valve now, and withdraw what waits for it."""
    from agroforest.valves.control import close_now
    from agroforest.valves.link import MqttLink
    from agroforest.valves.settings import read_valve_settings
    from agroforest.valves.turn import CloseValve

    settings = read_valve_settings(config)
    _find_valve(settings, config, name)
    # Under a name of its own: the broker would throw the controller out.
    broker = settings.broker.model_copy(
        update={"client_id": f"{settings.broker.client_id}-close"}
    )
    link = MqttLink(settings.model_copy(update={"broker": broker}))
    event = CloseValve(
        valve=name, by=_check_words("--by", by), why=_check_words("--why", why)
    )
    with open_valves(settings, config, work) as store:
        _, sent = close_now(settings, store, link, event, patience_s=_PATIENCE_S)
    if as_json:
        typer.echo(json.dumps({"valve": name, "sent": sent}))
    elif sent:
        typer.echo(f"已发送关阀指令 · told to close: {name}")
    elif not settings.enabled:
        typer.echo(f"未启用，未发送 · not enabled, nothing is sent: {name}")
    else:
        typer.echo(f"已记录，由控制器发送 · recorded, the controller sends it: {name}")


@app.command()
def audit(
    config: Config,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that nothing was changed.")
    ] = False,
    head: Annotated[
        str, typer.Option(help="With --verify: a digest noted before must be in it.")
    ] = "",
    name: Annotated[str, typer.Option("--valve", help="Only this valve.")] = "",
    order: Annotated[str, typer.Option(help="Only this order.")] = "",
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """审计记录 · Show who did what, when and why; or check the record."""
    from agroforest.core.chain import check_chain
    from agroforest.core.errors import DataError
    from agroforest.valves.settings import read_valve_settings

    settings = read_valve_settings(config)
    with open_valves(settings, config, work) as store:
        if verify:
            sealed = store.valve_audit()
            last = check_chain(sealed)
            if head and head not in {each.digest for each in sealed}:
                raise DataError(
                    f"the audit of {config}",
                    f"does not hold the entry {head}: its end was cut off",
                    "compare with a copy of the database from before",
                )
            found = {"entries": len(sealed), "head": last, "unchanged": True}
            words = f"审计完整 · unchanged: {len(sealed)} entries, head {last}"
            typer.echo(json.dumps(found) if as_json else words)
            return
        for each in store.valve_audit(valve=name, order=order):
            plain = {
                "number": each.number,
                "time": each.entry.time.isoformat(),
                "valve": each.entry.valve,
                "order": each.entry.order,
                "who": each.entry.who,
                "what": each.entry.what,
                "why": each.entry.why,
                "before": dict(each.entry.before),
                "after": dict(each.entry.after),
                "digest": each.digest,
            }
            line = json.dumps(plain, ensure_ascii=False)
            typer.echo(line if as_json else tell_audit(plain))


app.command()(given)


# ----------------------------------------------------------------------- small


def _find_valve(settings: "ValveSettings", config: Path, name: str) -> float:
    """Rated flow of a valve, m³/h."""
    from agroforest.core.errors import ConfigurationError

    if name not in settings.valve:
        raise ConfigurationError(
            config,
            f"names no valve {name!r}",
            f"give one of {', '.join(settings.valve)}",
        )
    return settings.valve[name].rated_m3h


def _find_order(store: "Store", written: str) -> "Order":
    """Order whose id is, or alone begins with, what was written."""
    from agroforest.core.errors import ConfigurationError

    orders = store.valve_facts(datetime.now(UTC), orders=[written]).orders
    if written in orders:
        return orders[written]
    near = sorted(o for o in orders if written and o.startswith(written))
    if len(near) == 1:
        return orders[near[0]]
    problem = f"begins {len(near)} ids ({', '.join(near[:5])})" if near else "is no id"
    raise ConfigurationError(
        f"order {written!r}", problem, "list them: agroforest valve status"
    )


def _tell_order(
    store: "Store", settings: "ValveSettings", order: "Order", *, as_json: bool
) -> None:
    from agroforest.valves.turn import describe

    if as_json:
        against = [
            {"rule": str(o.rule), "zh": o.zh, "en": o.en}
            for o in find_against(store, settings, order)
        ]
        found = {"order": describe(order), "against": against}
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    note = f" ({order.note})" if order.note else ""
    typer.echo(f"{order.id}  {order.valve}  {order.stage}{note}")


def _check_words(option: str, words: str) -> str:
    """Words of a person, which a terminal and a database can hold."""
    from agroforest.core.errors import ConfigurationError

    if len(words) > _LONGEST_WORDS:
        raise ConfigurationError(
            option, f"has {len(words)} characters", f"write {_LONGEST_WORDS} at most"
        )
    if any(not c.isprintable() for c in words):
        raise ConfigurationError(
            option, f"{words!r} has characters that cannot be shown", "leave them out"
        )
    return words.strip()

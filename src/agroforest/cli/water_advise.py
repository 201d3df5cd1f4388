"""``agroforest water advise``: what to do about each parcel's water."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agroforest.cli.options import DEFAULT_WORK, Json, WorkFolder

_LIGHTS = {
    "red": ("红", "RED"),
    "amber": ("黄", "AMBER"),
    "green": ("绿", "GREEN"),
    "grey": ("灰", "GREY"),
}


def advise(
    *,
    pipeline: Annotated[Path, typer.Option(help="Pipeline definition, TOML.")],
    night: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Of which night; the newest one run."),
    ] = None,
    propose: Annotated[
        Path | None,
        typer.Option(
            metavar="VALVES.toml",
            help="Propose to open the valves of parcels to be irrigated; a person "
            "approves. See docs/valves.md.",
        ),
    ] = None,
    work: WorkFolder = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """灌溉建议，每块地一行 · Advice of a night on each parcel's water.

    Repeats what `agroforest nightly` worked out: red is water now, amber water soon
    or rain that must come, green enough water, grey no advice, and why.
    """
    from agroforest.cli.valves_advised import propose_night, tell_proposal
    from agroforest.core.config import Watched, read_pipeline
    from agroforest.core.errors import ConfigurationError
    from agroforest.nightly.water.read import read_night
    from agroforest.nightly.workplace import Workplace

    settings = read_pipeline(pipeline)
    if not settings.watches(Watched.WATER):
        raise ConfigurationError(
            pipeline, "does not watch water", 'add "water" to hazards'
        )
    folder = Workplace(root=work, pipeline=settings.name).folder
    document = read_night(folder, None if night is None else night.date())
    orders = (
        None
        if propose is None
        else propose_night(propose, work, settings.name, document)
    )
    if as_json:
        if orders is not None:
            document["proposals"] = orders
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    typer.echo(f"{document['night']}")
    for note in document["notes"]:
        typer.echo(f"{note['zh']} · {note['en']}")
    for parcel in sorted(document["parcels"], key=_urgency):
        typer.echo(_tell(parcel))
    for order in orders or ():
        typer.echo(tell_proposal(order))


def _urgency(parcel: dict[str, Any]) -> tuple[int, str]:
    return list(_LIGHTS).index(parcel["light"]), str(parcel["id"])


def _tell(parcel: dict[str, Any]) -> str:
    zh, en = _LIGHTS[parcel["light"]]
    notices = parcel["notices"]
    more_zh = "".join(f" {one['zh']}。" for one in notices)
    more_en = "".join(f" {one['en']}." for one in notices)
    return (
        f"[{zh} {en}] {parcel['id']}  {parcel['zh']}{more_zh} · {parcel['en']}{more_en}"
    )

"""``agroforest water advise --propose``: from the advice of a night to orders."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agroforest.cli.valves_database import open_valves
from agroforest.cli.valves_words import STAGES_ZH

if TYPE_CHECKING:
    from agroforest.valves.proposals import Proposal
    from agroforest.valves.settings import ValveSettings


def propose_night(
    config: Path, work: Path, pipeline: str, document: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Propose what a night advises, and describe what became of it."""
    from agroforest.valves.advised import NightAdvice
    from agroforest.valves.proposals import propose_advised
    from agroforest.valves.settings import read_valve_settings

    settings = read_valve_settings(config)
    advice = NightAdvice.of(pipeline, document)
    with open_valves(settings, config, work) as store:
        found = propose_advised(store, settings, advice, now=find_now())
    return [_describe(each, settings) for each in found]


def tell_proposal(plain: Mapping[str, Any]) -> str:
    """One line for a valve."""
    order = plain["order"]
    begin = f"{plain['parcel']} -> {plain['valve']}  "
    if order is None:
        return f"{begin}不提出 nothing proposed: {plain['zh']} · {plain['en']}"
    stage, note = order["stage"], order["note"]
    line = (
        f"{begin}{order['id']}  {STAGES_ZH[stage]} {stage}  "
        f"{order['seconds'] / 60:.0f} min, 最多 at most {plain['m3']:.1f} m³"
    )
    if note:
        return f"{line}\n  ! {note}"
    against = [f"{one['zh']} · {one['en']}" for one in plain["against"]]
    return "\n  ! ".join([line, *against])


def find_now() -> datetime:
    """Ask the clock."""
    return datetime.now(UTC)


def _describe(proposal: "Proposal", settings: "ValveSettings") -> dict[str, Any]:
    from agroforest.valves.turn import describe

    order = proposal.order
    limit = settings.limits.valves[proposal.valve]
    return {
        "valve": proposal.valve,
        "parcel": proposal.parcel,
        "order": None if order is None else describe(order),
        "m3": None if order is None else limit.worst_m3(order.seconds),
        "known": proposal.known,
        "against": [
            {"rule": str(one.rule), "zh": one.zh, "en": one.en}
            for one in proposal.against
        ],
        "zh": proposal.zh,
        "en": proposal.en,
    }

"""What a night cost, shared out over tiles, area and alerts. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from agroforest.core.cost import Cost
from agroforest.core.grid import Tile
from agroforest.nightly.plan import TaskKind
from agroforest.nightly.power.saved import SAVED_KWH, price, saved_by_planning
from agroforest.nightly.result import TaskResult

_M2_PER_KM2 = 1e6


def settle(
    cost: Cost,
    *,
    tiles: Sequence[Tile],
    results: Sequence[TaskResult],
    alerts: int,
    canopy: bool = True,
) -> Cost:
    """Complete what a meter read by what it was for.

    Parameters
    ----------
    cost
        As the meter read it.
    tiles
        Tiles that are watched.
    results
        Every task of the night.
    alerts
        New alerts of the night.
    canopy
        Whether canopy is watched: tiles have no work otherwise, and save none.

    Returns
    -------
    Cost
        With tiles, area and alerts, and with what tiles without news saved.
    """
    nights = [r for r in results if r.kind is TaskKind.NIGHT and r.done]
    unchanged = saved_by_planning(
        watched=len(tiles) if canopy else 0,
        worked_on=len({r.tile for r in results if r.kind is TaskKind.NIGHT}),
        cpu_seconds=sum(r.cpu_seconds for r in nights),
    )
    rate = cost.energy_kwh / cost.cpu_seconds if cost.cpu_seconds else 0.0
    return cost.patch(
        saved=price({**cost.saved, **unchanged}, rate),
        tiles=len({r.tile for r in results}),
        km2=sum(tile.area.area for tile in tiles) / _M2_PER_KM2,
        alerts=alerts,
    )


def share_out(
    energy_kwh: float, cpu_seconds: float, by_tile: Mapping[str, float]
) -> dict[str, float]:
    """Energy of each tile, by its processor seconds; kWh.

    What the tiles did not use (planning, fire and water, the map) is nobody's.

    Parameters
    ----------
    energy_kwh
        Of all.
    cpu_seconds
        Of all.
    by_tile
        Processor seconds of each tile's tasks.
    """
    whole = max(cpu_seconds, sum(by_tile.values()))
    if not whole:
        return dict.fromkeys(by_tile, 0.0)
    return {tile: energy_kwh * own / whole for tile, own in by_tile.items()}


def build_bill(cost: Cost, results: Sequence[TaskResult]) -> dict[str, Any]:
    """Put the cost of a night into plain values, for its report.

    Parameters
    ----------
    cost
        As `settle` completed it.
    results
        Every task of the night.

    Returns
    -------
    dict
        JSON-ready: the cost, its carbon, what each tile took, what an alert and a
        square kilometre took on average (``None`` where there is none), and what was
        saved, estimated.
    """
    seconds: dict[str, float] = {}
    for result in results:
        seconds[result.tile] = seconds.get(result.tile, 0.0) + result.cpu_seconds
    tiles = share_out(cost.energy_kwh, cost.cpu_seconds, seconds)
    kept = cost.plain()
    saved_kwh = float(kept["saved"].get(SAVED_KWH, 0.0))
    return {
        **kept,
        "carbon_g": round(cost.carbon_g, 6),
        "each_tile": {tile: _amount(cost, kwh) for tile, kwh in sorted(tiles.items())},
        "for_all": _amount(cost, max(0.0, cost.energy_kwh - sum(tiles.values()))),
        **per_unit(cost),
        "saved_estimated": _amount(cost, saved_kwh),
    }


def per_unit(cost: Cost) -> dict[str, dict[str, float] | None]:
    """Give the mean cost of a tile, an alert and a square kilometre."""
    units = (
        ("per_tile", cost.tiles),
        ("per_alert", cost.alerts),
        ("per_km2", cost.km2),
    )
    return {
        name: _amount(cost, cost.energy_kwh / count) if count else None
        for name, count in units
    }


def _amount(cost: Cost, kwh: float) -> dict[str, float]:
    return {"kwh": round(kwh, 9), "carbon_g": round(kwh * cost.factor_g_per_kwh, 6)}

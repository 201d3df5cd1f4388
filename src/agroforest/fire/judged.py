"""A model of cell-days judged on all of them, with plainer scores beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agroforest.fire.cell_days import CellDayTable, column, fill_past
from agroforest.fire.sample import Shares
from agroforest.fire.skill import Bin, Skill, find_reliability, measure
from agroforest.fire.splits import Block, Split
from agroforest.risk import Metric, Model, ensemble
from agroforest.risk.datasets.fire_days import FEATURES, CellDays, correct_prior
from agroforest.risk.task import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS = 500_000  # judged at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Figures of one way of holding out.

    Attributes
    ----------
    split
        What was held out.
    blocks, cell_days, fires
        How many there are, and cell-days with a hotspot.
    expected
        Cell-days with a hotspot that the model expected.
    skill
        By name: ``model``, ``climatology``, and ``fwi`` or, without rain, ``vpd``.
    reliability
        Of the model.
    """

    split: str
    blocks: int
    cell_days: int
    fires: int
    expected: float
    skill: dict[str, Skill]
    reliability: tuple[Bin, ...]

    @property
    def prevalence(self) -> float:
        """Share of cell-days with a hotspot."""
        return self.fires / self.cell_days


def judge_blocks(
    table: CellDayTable,
    blocks: Sequence[Block],
    shares: Shares,
    task: Task[CellDays],
    model: Model,
    *,
    split: Split,
) -> Verdict:
    """Judge every cell-day of every block by copies that have not seen the block."""
    truth, chance, rivals, owner = [], [], [], []
    rival = find_rival(table)
    for number, block in enumerate(blocks):
        step = max(1, _ROWS // max(1, len(block.cells)))
        for start in range(0, len(block.days), step):
            part = slice(start, start + step)
            days = block.days[part]
            values = np.array(table.values[np.ix_(days, block.cells)])
            usual, near = block.usual[part], block.near[part]
            months = np.broadcast_to(table.months[days][:, None], near.shape)
            fill_past(values, usual=usual, near=near)
            rows = values.reshape(-1, len(FEATURES))
            items = CellDays(
                values=rows,
                place=np.full(len(rows), block.name),
                name=np.arange(len(rows)),
                log_share=shares.find(months, near).ravel(),
            )
            said = ensemble.ask_unseen(task, model, items).value[:, 0]
            chance.append(correct_prior(said, items.log_share))
            rivals.append(np.stack([usual.ravel(), column(rows, rival)]))
            truth.append(table.truth[np.ix_(days, block.cells)].ravel())
            owner.append(np.full(len(rows), number, dtype=np.int64))
    was, said = np.concatenate(truth), np.concatenate(chance)
    block_of, other = np.concatenate(owner), np.concatenate(rivals, axis=1)
    scores: dict[str, NDArray[np.floating]] = {
        "model": said,
        "climatology": other[0],
        rival: other[1],
    }
    return Verdict(
        split=str(split),
        blocks=len(blocks),
        cell_days=len(was),
        fires=int(was.sum()),
        expected=float(said.sum(dtype=np.float64)),
        skill={name: measure(was, score, block_of) for name, score in scores.items()},
        reliability=find_reliability(was, said),
    )


def find_rival(table: CellDayTable) -> str:
    """Plain index beside the model: FWI, or VPD where rain is not known."""
    known = any(np.isfinite(column(day, "fwi")).any() for day in table.values)
    return "fwi" if known else "vpd"


def list_metrics(verdict: Verdict) -> list[Metric]:
    """Figures of a verdict for the card."""
    on = (
        f"every cell-day of {verdict.blocks} blocks of {verdict.split} held out, "
        f"{verdict.cell_days} with {verdict.fires} fires"
    )
    return [
        Metric(
            name=f"{figure} by {verdict.split}, {name}",
            on=on,
            value=round(score.value, 4),
            low=_or_none(score.low),
            high=_or_none(score.high),
            prevalence=round(verdict.prevalence, 8),
        )
        for name, skill in verdict.skill.items()
        for figure, score in (
            ("auroc", skill.auroc),
            ("ap", skill.ap),
            ("share in top 5 %", skill.top_share),
        )
    ]


def _or_none(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None

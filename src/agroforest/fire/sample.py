"""Which days without a hotspot a model learns from, and what share of all they are."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Kilometres from the nearest hotspot of other times that part the strata: a pixel of
#: VIIRS or MODIS and its neighbours, a valley, a county. Our choice.
DISTANCES_KM = (2.0, 10.0, 50.0)
#: Days without a hotspot for each with one: our choice; more teach little.
RATIO = 10
#: Fewer than this are never drawn from a stratum that has them: its share would mean
#: nothing.
LEAST = 30
_MONTHS = 12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shares:
    """Share drawn of the days without a hotspot, by month and distance.

    Attributes
    ----------
    log_share
        ``(12, distance)`` float32, logarithm; 0 where all were drawn, or none was
        there to be drawn.
    """

    log_share: NDArray[np.float32] = field(repr=False)

    def find(
        self, months: NDArray[np.integer], near: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Logarithm of the share for days of cells.

        Parameters
        ----------
        months
            Any shape, 1 to 12.
        near
            Same shape, kilometres to the nearest hotspot of other times.
        """
        found: NDArray[np.float32] = self.log_share[months - 1, part(near)]
        return found


def part(near: NDArray[np.floating]) -> NDArray[np.intp]:
    """Stratum of a distance, 0 for the nearest."""
    return np.searchsorted(DISTANCES_KM, near, side="right")


def draw(
    truth: NDArray[np.bool_],
    months: NDArray[np.integer],
    near: NDArray[np.floating],
    *,
    seed: int,
    ratio: float = RATIO,
) -> tuple[NDArray[np.intp], NDArray[np.intp], Shares]:
    """Draw all days with a hotspot, and others by season and distance.

    Half of the others go where hotspots are, month by month and distance by distance,
    and half over all ground and days alike. Month and distance are known of every
    cell and day that will be judged, so the share drawn is known too.

    Parameters
    ----------
    truth
        ``(day, cell)`` bool.
    months
        ``(day,)``, 1 to 12.
    near
        ``(day, cell)`` kilometres to the nearest hotspot of other times.
    seed
        Of the drawing.
    ratio
        Days without a hotspot for each with one.

    Returns
    -------
    tuple
        Place of the days, and of the cells, ``(n,)`` each, in order; and the shares.
    """
    kinds = len(DISTANCES_KM) + 1
    stratum = (months[:, None] - 1) * kinds + part(near)
    size = _MONTHS * kinds
    fires = np.bincount(stratum[truth], minlength=size)
    others = np.bincount(stratum[~truth], minlength=size)
    wanted = ratio * fires.sum()
    by_fire = fires / max(1, fires.sum())
    by_ground = others / max(1, others.sum())
    count = np.ceil(wanted * (by_fire + by_ground) / 2).astype(np.int64)
    count = np.minimum(np.maximum(count, LEAST), others)
    random = np.random.default_rng(seed)
    flat = np.flatnonzero(~truth.ravel())
    flat = flat[random.permutation(flat.size)]
    kind = stratum.ravel()[flat]
    order = np.argsort(kind, kind="stable")  # strata together, inside them by chance
    starts = np.concatenate([[0], np.cumsum(others)[:-1]])
    rank = np.arange(flat.size) - starts[kind[order]]
    chosen = flat[order][rank < count[kind[order]]]
    both = np.sort(np.concatenate([chosen, np.flatnonzero(truth.ravel())]))
    share = np.divide(count, others, out=np.ones(size), where=others > 0)
    return (
        both // truth.shape[1],
        both % truth.shape[1],
        Shares(log_share=np.log(share).astype(np.float32).reshape(_MONTHS, kinds)),
    )

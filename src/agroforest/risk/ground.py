"""What was true nearby: a surface over the ground, learned from points of other years.

Where people burn, they burn again. What is known of points decays with distance, so a
surface of what lies around says a little of every place between them, and nothing of
places far from all of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree

from agroforest.risk.calibrate import is_known
from agroforest.risk.card import Answer, Learner, Tensors
from agroforest.risk.rows import Features, Items
from agroforest.risk.train import Progress

#: Kilometres in a degree of latitude, on the mean sphere of 6,371 km.
DEGREE_KM = 111.195
# Beyond so many reaches a point counts for nothing: exp(-6) is 0.002. Arbitrary.
_FURTHEST = 6.0
# Cells along a reach: bilinear between them errs by less than float16 does elsewhere.
_CELLS_A_REACH = 2.0
# Cells at most; of points far apart the cells grow instead. Arbitrary.
_CELLS = 1_000_000
# Nodes that look for points together; bounds what is held at a time.
_TOGETHER = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundStudent:
    """A surface of the log odds of what was seen nearby.

    At a place it is ``log((yes + doubt) / (no + doubt))``, where points count by
    ``exp(-distance / reach)``: a kernel estimate of the odds (Diggle et al. 2005,
    *Nonparametric estimation of spatial segregation*, JRSS C 54, 645-658, section
    2.2) that falls back to even odds where there are no points.

    Attributes
    ----------
    spec
        What the card says of it.
    answer
        Of the task, a probability.
    position
        From the items' values to ``(n, 2)`` longitude and latitude, degrees; NaN
        where nobody knows them.
    reach
        Kilometres over which a point counts.
    doubt
        Points on either side that even odds are worth.
    """

    spec: Learner
    answer: Answer
    position: Features
    reach: float
    doubt: float

    def describe(self) -> str:
        """How it learns, one line for the card."""
        return (
            f"{self.spec.family}: log odds nearby, points count by exp(-distance / "
            f"{self.reach:g} km), {self.doubt:g} points of doubt on either side"
        )

    def fit(self, samples: Items, *, seed: int, progress: Progress) -> Tensors:
        """Learn; see `agroforest.risk.task.Student`.

        Nothing is random. Not the points are kept but the surface, on a grid in
        degrees.
        """
        del seed
        if samples.target is None:
            raise ValueError("nothing to learn from without a target")
        where = np.asarray(self.position(samples.values), np.float64)
        used = is_known(samples.target) & np.isfinite(where).all(axis=1)
        where, true = where[used], np.asarray(samples.target)[used] > 0
        progress(0.0, f"{len(where)} places")
        if not len(where):
            return {
                "log_odds": np.zeros((1, 1), np.float16),
                "origin": np.zeros(2),
                "step": np.ones(2),
            }
        return self._surface(where, true)

    def say(self, tensors: Tensors, samples: Items) -> NDArray[np.float32]:
        """Answer; see `agroforest.risk.task.Student`.

        0, even odds, outside the surface and where the position is not known.
        """
        where = np.asarray(self.position(samples.values), np.float64)
        at = (where - tensors["origin"]) / tensors["step"]
        known = np.isfinite(at).all(axis=1)
        odds = np.zeros(len(where), np.float32)
        odds[known] = map_coordinates(
            tensors["log_odds"].astype(np.float32),
            at[known][:, ::-1].T,
            order=1,
            mode="constant",
        )
        return odds[:, None]

    def _surface(self, where: NDArray[np.float64], true: NDArray[np.bool_]) -> Tensors:
        km = DEGREE_KM * np.array([np.cos(np.radians(where[:, 1].mean())), 1.0])
        margin = _FURTHEST * self.reach / km
        origin = where.min(axis=0) - margin
        extent = where.max(axis=0) + margin - origin
        step = self.reach / _CELLS_A_REACH / km
        step *= max(1.0, float(np.sqrt((extent / step).prod() / _CELLS)))
        width, height = np.ceil(extent / step).astype(int) + 1
        column, row = np.meshgrid(np.arange(width), np.arange(height))
        nodes = origin + np.column_stack([column.ravel(), row.ravel()]) * step
        odds = self._odds(nodes * km, where * km, true)
        return {
            "log_odds": odds.reshape(height, width).astype(np.float16),
            "origin": origin,
            "step": step,
        }

    def _odds(
        self,
        nodes: NDArray[np.float64],
        points: NDArray[np.float64],
        true: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Log odds at nodes from points, both in km."""
        tree = KDTree(points)
        odds = np.zeros(len(nodes))
        for first in range(0, len(nodes), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            pairs = KDTree(nodes[some]).sparse_distance_matrix(
                tree, _FURTHEST * self.reach, output_type="ndarray"
            )
            count = np.exp(-pairs["v"] / self.reach)
            size = len(nodes[some])
            yes = np.bincount(pairs["i"], count * true[pairs["j"]], size)
            no = np.bincount(pairs["i"], count * ~true[pairs["j"]], size)
            odds[some] = np.log((yes + self.doubt) / (no + self.doubt))
        return odds

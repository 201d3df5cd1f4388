"""Several indices in one pass: each band read once, int16 written at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.indices import formulas
from agroforest.indices.formulas import Formula
from agroforest.indices.optram import Edges
from agroforest.indices.registry import INDICES, find_index

_NO_EDGES = np.full(4, np.nan, np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What one pass over a scene computes.

    Attributes
    ----------
    names
        Indices, each once, in the order asked.
    bands
        Bands to read, each once, in the order in which `compute` takes them.
    needs_edges
        Whether `compute` must be given the edges of OPTRAM.
    plan
        ``(index, 4)`` int64: formula, and the places of its bands in `bands`.
    """

    names: tuple[str, ...]
    bands: tuple[str, ...]
    needs_edges: bool
    plan: NDArray[np.int64] = field(repr=False, compare=False)

    def compute(
        self,
        bands: NDArray[np.float32],
        usable: NDArray[np.bool_],
        out: NDArray[np.int16],
        *,
        edges: Edges | None = None,
    ) -> None:
        """Compute all indices of a strip, one thread, without the interpreter's lock.

        Parameters
        ----------
        bands
            ``(band, y, x)`` float32, reflectance of `bands`; NaN is nodata.
        usable
            ``(y, x)`` bool, True where a pixel is clear.
        out
            ``(index, y, x)`` int16, overwritten with what `encode` makes of each
            index: ten thousand steps a unit, -32768 for nodata and where not
            usable. Each index's pixels lie side by side.
        edges
            Numbers; all wetness is nodata where they are NaN.

        Raises
        ------
        ValueError
            Arrays of another shape, dtype or layout; no edges where they are needed.

        Notes
        -----
        `bands` and `usable` are fastest in one piece, small enough for the
        second-level cache. `out` may be rows of larger maps.
        """
        self._check(bands, usable, out)
        if out.size == 0:
            return
        step = out.strides[0] // out.itemsize
        last = (len(out) - 1) * step + usable.size
        formulas.encode_indices(
            bands.reshape(len(bands), -1),
            usable.reshape(-1),
            as_strided(out, (last,), (out.itemsize,)),
            step,
            self.plan,
            _lines(edges) if self.needs_edges else _NO_EDGES,
        )

    def _check(
        self, bands: NDArray[Any], usable: NDArray[Any], out: NDArray[Any]
    ) -> None:
        # The kernel takes them on trust.
        expected = (
            ("bands", bands, (len(self.bands), *usable.shape), np.float32),
            ("usable", usable, out.shape[1:], np.bool_),
            ("out", out, (len(self.names), *usable.shape), np.int16),
        )
        for name, array, shape, dtype in expected:
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(
                    f"{name} is {array.dtype} {array.shape}, "
                    f"not {np.dtype(dtype)} {shape}"
                )
        if out.size and not (out[0].flags.c_contiguous and out.strides[0] >= 0):
            raise ValueError("the pixels of an index do not lie side by side in out")


def _lines(edges: Edges | None) -> NDArray[np.float32]:
    if edges is None:
        raise ValueError("optram is asked for and no edges are given")
    dry, wet = edges.dry_intercept, edges.wet_intercept
    return np.array([dry, edges.dry_slope, wet, edges.wet_slope], np.float32)


def build_recipe(names: Sequence[str], available: Collection[str]) -> Recipe:
    """Settle how to compute some indices from the bands there are.

    Parameters
    ----------
    names
        Of indices; one named twice is computed once.
    available
        Bands of the scene.

    Raises
    ------
    ConfigurationError
        An unknown index, or none at all.
    DataError
        A band is missing and has no substitute.
    """
    if not names:
        raise ConfigurationError(
            "index", "none is named", f"use one of {', '.join(INDICES)}"
        )
    asked = {name: find_index(name) for name in names}
    used = {name: index.resolve(available) for name, index in asked.items()}
    bands = tuple(dict.fromkeys(band for chosen in used.values() for band in chosen))
    return Recipe(
        names=tuple(asked),
        bands=bands,
        needs_edges=any(i.formula == Formula.OPTRAM for i in asked.values()),
        plan=np.array(
            [_step(asked[name].formula, used[name], bands) for name in asked]
        ),
    )


def _step(
    formula: Formula, used: tuple[str, ...], bands: tuple[str, ...]
) -> tuple[int, int, int, int]:
    first, second, third = [bands.index(b) for b in (*used, used[0])][:3]
    return formula, first, second, third

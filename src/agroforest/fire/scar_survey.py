"""One scar after the other: what the images and the hotspots say of each."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agroforest.core.grid import Grid
from agroforest.fire.scar_areas import Share
from agroforest.fire.scar_guard import Evidence, Hotspots, find_char, weigh
from agroforest.fire.scar_image import Image
from agroforest.fire.scar_outline import Outline, pixel_size
from agroforest.fire.scar_severity import (
    Loss,
    Severity,
    burn_ratio,
    classify_dnbr,
    classify_rbr,
    find_offset,
    measure_loss,
    ring_pixels,
)
from agroforest.risk.datasets.burned_area import limit_bands


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scar:
    """One scar and what is known of it.

    Attributes
    ----------
    outline
        Where it is.
    probability
        Mean over its pixels.
    evidence
        What speaks for fire.
    dnbr, rbr
        Means over its pixels, offset taken off; None without an image before.
    offset
        dNBR of unburned ground around, taken off; None where there was too little.
    severity_ha
        Area of each class of dNBR; empty without an image before.
    shares
        Area by compartment and county.
    """

    outline: Outline
    probability: float
    evidence: Evidence
    dnbr: float | None = None
    rbr: float | None = None
    offset: float | None = None
    severity_ha: dict[Severity, float] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layers:
    """Severity over the whole image, filled scar by scar.

    Attributes
    ----------
    dnbr, rbr
        ``(y, x)`` uint8, `Severity`.
    """

    dnbr: NDArray[np.uint8]
    rbr: NDArray[np.uint8]

    @classmethod
    def like(cls, burned: NDArray[np.bool_]) -> "Layers":
        """Layers of a shape, with nothing in them."""
        return cls(
            dnbr=np.zeros(burned.shape, np.uint8), rbr=np.zeros(burned.shape, np.uint8)
        )


@dataclass(kw_only=True, slots=True, eq=False)
class Survey:
    """Images and hotspots, of which every scar is asked.

    Attributes
    ----------
    post, pre
        Opened images.
    hotspots, hotspot_days
        As in `agroforest.fire.scar.ScarRequest`.
    pixel_m
        Side of a pixel, metres.
    nbr, nbr_before
        ``(y, x)`` float16 of what was read so far.
    """

    post: Image
    pre: Image | None
    hotspots: Hotspots | None
    hotspot_days: int
    pixel_m: float = field(init=False)
    nbr: NDArray[np.float16] = field(init=False)
    nbr_before: NDArray[np.float16] = field(init=False)

    def __post_init__(self) -> None:
        shape = self.post.grid.shape
        self.pixel_m = pixel_size(self.post.grid)
        self.nbr = np.full(shape, np.nan, np.float16)
        self.nbr_before = np.full(shape if self.pre else (0, 0), np.nan, np.float16)

    def read(self, part: Grid) -> NDArray[np.float32]:
        """Read what the model is asked of, ``(6, y, x)``, and keep NBR."""
        grid = self.post.grid
        row = round((grid.top - part.top) / grid.resolution)
        column = round((part.left - grid.left) / grid.resolution)
        where = slice(row, row + part.height), slice(column, column + part.width)
        after = self.post.read(part)
        second = burn_ratio(after[3], after[4])
        self.nbr[where] = second
        if self.pre is None:
            return limit_bands(after, np.full(part.shape, np.nan, np.float32))
        before = self.pre.read(part)
        first = burn_ratio(before[3], before[4])
        self.nbr_before[where] = first
        return limit_bands(after, first - second)

    def describe(
        self,
        outline: Outline,
        probability: NDArray[np.float32],
        burned: NDArray[np.bool_],
        layers: Layers | None,
    ) -> Scar:
        """Describe a scar, and write its severity into the layers."""
        box, inner = self._around(outline)
        part = _part(self.post.grid, *box)
        after = self.post.read(part)
        before = self.pre.read(part) if self.pre is not None else None
        pixels = np.zeros(part.shape, bool)
        pixels[inner] = outline.pixels
        evidence = weigh(
            outline.geometry,
            _char_share(pixels, before, after),
            self.hotspots,
            before=self.pre.day if self.pre is not None else None,
            after=self.post.day,
            days=self.hotspot_days,
        )
        own = probability[outline.rows, outline.columns][outline.pixels]
        known = own[np.isfinite(own)]
        scar = {
            "outline": outline,
            "probability": float(known.mean()) if known.size else float("nan"),
            "evidence": evidence,
        }
        if before is None or layers is None:
            return Scar(**scar)  # type: ignore[arg-type]
        loss, offset = _measure(before, after, pixels, burned[box], self.pixel_m)
        classes = classify_dnbr(loss.dnbr)
        for layer, codes in (
            (layers.dnbr, classes),
            (layers.rbr, classify_rbr(loss.rbr)),
        ):
            layer[box] = np.where(pixels, codes, layer[box])
        hectare = outline.area_ha / max(int(outline.pixels.sum()), 1)
        counts = np.bincount(classes[pixels], minlength=len(Severity))
        return Scar(
            **scar,  # type: ignore[arg-type]
            dnbr=_mean(loss.dnbr[pixels]),
            rbr=_mean(loss.rbr[pixels]),
            offset=offset,
            severity_ha={
                code: float(counts[code]) * hectare
                for code in Severity
                if code is not Severity.NONE
            },
        )

    def _around(
        self, outline: Outline
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Rows and columns of a scar and its ring, and the scar's own in those."""
        ring = ring_pixels(self.pixel_m) if self.pre is not None else 0
        wide, inner = [], []
        for own, size in zip(
            (outline.rows, outline.columns), self.post.grid.shape, strict=True
        ):
            first = max(own.start - ring, 0)
            wide.append(slice(first, min(own.stop + ring, size)))
            inner.append(slice(own.start - first, own.stop - first))
        return (wide[0], wide[1]), (inner[0], inner[1])


def _part(grid: Grid, rows: slice, columns: slice) -> Grid:
    return grid.patch(
        left=grid.left + columns.start * grid.resolution,
        top=grid.top - rows.start * grid.resolution,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )


def _char_share(
    pixels: NDArray[np.bool_],
    before: NDArray[np.float32] | None,
    after: NDArray[np.float32],
) -> float:
    """Share of a scar's seen pixels that are char, and were not before."""
    seen = pixels & np.isfinite(after[0])
    if not seen.any():
        return float("nan")
    char = find_char(after)
    if before is not None:
        char &= ~find_char(before)
    return float(char[seen].mean())


def _measure(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    pixels: NDArray[np.bool_],
    burned: NDArray[np.bool_],
    pixel_m: float,
) -> tuple[Loss, float | None]:
    first, second = burn_ratio(before[3], before[4]), burn_ratio(after[3], after[4])
    offset = find_offset(first - second, pixels, burned, pixel_m)
    return measure_loss(first, second, offset or 0.0), offset


def _mean(values: NDArray[np.float32]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None

"""What burned: scars of an image after a fire, and what is known of each.

Probability, decision, outline, evidence, severity, area; top to bottom in `map_scars`.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import Grid
from agroforest.cube import Access
from agroforest.fire.scar_areas import Share, Unit, share_out
from agroforest.fire.scar_guard import (
    HOTSPOT_DAYS,
    Evidence,
    Hotspots,
    find_char,
    read_hotspots,
    weigh,
)
from agroforest.fire.scar_image import Image, opened_image
from agroforest.fire.scar_judge import judge_image
from agroforest.fire.scar_outline import (
    HOLE_HA,
    MIN_HA,
    Outline,
    find_burned,
    find_outlines,
    pixel_size,
)
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
from agroforest.hotspots.datum import Datum
from agroforest.hotspots.districts import Districts, read_districts
from agroforest.risk import ensemble, models_dir
from agroforest.risk.card import Model
from agroforest.risk.datasets.burned_area import limit_bands
from agroforest.risk.tasks.burned_area import TASK
from agroforest.risk.train import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class ScarRequest:
    """What to map.

    Attributes
    ----------
    post, pre
        Images after and, where there is one, before the fire.
    bands
        Names of the bands of a GeoTIFF; empty if it holds them.
    post_day, pre_day
        When they were taken, unless they say.
    hotspots
        ``events.geojson``.
    hotspot_days
        Before the image after, in which a hotspot counts.
    compartments, counties
        Polygons by which areas are given.
    datum
        Of those.
    min_ha, hole_ha
        See `agroforest.fire.scar_outline.find_burned`.
    threshold
        Probability that counts as burned; that of the card unless given.
    model
        Folder of the model; the shipped one unless given.
    exact
        See `agroforest.fire.scar_judge.judge_image`.
    """

    post: Path
    pre: Path | None = None
    bands: tuple[str, ...] = ()
    post_day: date | None = None
    pre_day: date | None = None
    hotspots: Path | None = None
    hotspot_days: int = HOTSPOT_DAYS
    compartments: Path | None = None
    counties: Path | None = None
    datum: Datum | None = None
    min_ha: float = MIN_HA
    hole_ha: float = HOLE_HA
    threshold: float | None = None
    model: Path | None = None
    exact: bool = False


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
class ScarMap:
    """Everything found in an image.

    Attributes
    ----------
    grid
        Of the rasters.
    probability
        ``(y, x)`` float32, NaN where the ground is not seen.
    severity, severity_rbr
        ``(y, x)`` uint8, `Severity` by dNBR and by RBR; None without an image before.
    threshold
        That was used.
    scars
        Largest first.
    post, pre
        The images; their `read` no longer works.
    nbr, nbr_before
        ``(y, x)`` float16, NaN where not seen, for the picture; the second None
        without an image before.
    model, version
        Who judged.
    notes
        For the user.
    """

    grid: Grid
    probability: NDArray[np.float32]
    severity: NDArray[np.uint8] | None
    severity_rbr: NDArray[np.uint8] | None
    threshold: float
    scars: tuple[Scar, ...]
    post: Image
    pre: Image | None
    nbr: NDArray[np.float16]
    nbr_before: NDArray[np.float16] | None
    model: str
    version: str
    notes: tuple[str, ...]


def map_scars(
    request: ScarRequest,
    *,
    access: Access | None = None,
    progress: Progress | None = None,
) -> ScarMap:
    """Map the scars of an image.

    Parameters
    ----------
    request
        What to map.
    access
        How files are reached.
    progress
        Told what is being done.

    Raises
    ------
    ConfigurationError
        Images in the wrong order; files that are not there.
    DataError
        Damaged input, or the images lie on different grids.
    ModelError
        The model does not fit.
    """
    model = ensemble.load(TASK, request.model or models_dir() / TASK.name)
    threshold = request.threshold
    if threshold is None:
        threshold = ensemble.threshold_of(TASK, model)
    hotspots = read_hotspots(request.hotspots) if request.hotspots else None
    units = _read_units(request)
    with ExitStack() as stack:
        post, pre = _open(request, stack, access)
        survey = _Survey(request=request, post=post, pre=pre, hotspots=hotspots)
        probability = judge_image(
            model, post.grid, survey.read, exact=request.exact, progress=progress
        )
        burned = find_burned(
            *(probability, threshold, survey.pixel_m),
            min_ha=request.min_ha,
            hole_ha=request.hole_ha,
        )
        contents = [image.content for image in (post, pre) if image is not None]
        outlines = find_outlines(
            burned, post.grid, model.card.weights.sha256, *contents
        )
        layers = _Layers.like(burned) if pre is not None else None
        found = [survey.describe(one, probability, burned, layers) for one in outlines]
    scars = [
        replace(scar, shares=share_out(scar.outline.geometry, units)) for scar in found
    ]
    scars.sort(key=lambda scar: (-scar.outline.area_ha, scar.outline.id))
    return ScarMap(
        grid=post.grid,
        probability=probability,
        severity=layers.dnbr if layers else None,
        severity_rbr=layers.rbr if layers else None,
        threshold=threshold,
        scars=tuple(scars),
        post=post,
        pre=pre,
        nbr=survey.nbr,
        nbr_before=survey.nbr_before if pre is not None else None,
        model=TASK.name,
        version=model.card.version,
        notes=tuple(_notes(post, pre, hotspots, probability, model)),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Layers:
    """Severity over the whole image, filled scar by scar."""

    dnbr: NDArray[np.uint8]
    rbr: NDArray[np.uint8]

    @classmethod
    def like(cls, burned: NDArray[np.bool_]) -> "_Layers":
        return cls(
            dnbr=np.zeros(burned.shape, np.uint8), rbr=np.zeros(burned.shape, np.uint8)
        )


@dataclass(kw_only=True, slots=True, eq=False)
class _Survey:
    """Images and hotspots, of which every scar is asked."""

    request: ScarRequest
    post: Image
    pre: Image | None
    hotspots: Hotspots | None
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
        layers: _Layers | None,
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
            days=self.request.hotspot_days,
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


def _open(
    request: ScarRequest, stack: ExitStack, access: Access | None
) -> tuple[Image, Image | None]:
    post = stack.enter_context(
        opened_image(
            request.post, bands=request.bands, day=request.post_day, access=access
        )
    )
    if request.pre is None:
        return post, None
    pre = stack.enter_context(
        opened_image(
            request.pre, bands=request.bands, day=request.pre_day, access=access
        )
    )
    if post.day is not None and pre.day is not None and pre.day >= post.day:
        raise ConfigurationError(
            request.pre,
            f"was taken on {pre.day}, not before {post.day}",
            "give the image before the fire as --pre",
        )
    return post, pre


def _read_units(request: ScarRequest) -> tuple[Unit, ...]:
    layers: list[tuple[str, Districts]] = [
        (kind, read_districts(path, datum=request.datum))
        for kind, path in (
            ("compartment", request.compartments),
            ("county", request.counties),
        )
        if path is not None
    ]
    return tuple(
        Unit(kind=kind, district=district)
        for kind, layer in layers
        for district in layer.districts
    )


def _notes(
    post: Image,
    pre: Image | None,
    hotspots: Hotspots | None,
    probability: NDArray[np.float32],
    model: Model,
) -> Iterator[str]:
    yield from post.notes
    if pre is not None:
        yield from pre.notes
    else:
        yield "no image before the fire: no severity is given"
    seen = float(np.isfinite(probability).mean())
    if seen < 1:
        yield f"{1 - seen:.1%} of the image is cloud or without data, not judged"
    if hotspots is None:
        yield "no hotspots: only char speaks for fire"
    elif post.day is None:
        yield f"{post.name}: no date, so no hotspot can count; pass --post-date"
    elif hotspots.static:
        yield f"{hotspots.static} static heat sources left out of the hotspots"
    yield f"{TASK.name} {model.card.version}: " + " ".join(model.card.limits.en[-2:])

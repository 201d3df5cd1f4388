"""What burned: scars of an image after a fire, and what is known of each.

Probability, decision, outline, evidence, severity, area; top to bottom in `map_scars`.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import Grid
from agroforest.cube import Access
from agroforest.fire.scar_areas import Unit, share_out
from agroforest.fire.scar_guard import HOTSPOT_DAYS, Hotspots, read_hotspots
from agroforest.fire.scar_image import Image, opened_image
from agroforest.fire.scar_judge import judge_image
from agroforest.fire.scar_outline import HOLE_HA, MIN_HA, find_burned, find_outlines
from agroforest.fire.scar_survey import Layers, Scar, Survey
from agroforest.hotspots.datum import Datum
from agroforest.hotspots.districts import Districts, read_districts
from agroforest.risk import ensemble, models_dir
from agroforest.risk.card import Model
from agroforest.risk.tasks.burned_area import TASK
from agroforest.risk.train import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class ScarRequest:
    """What to map.

    Attributes
    ----------
    post, pre
        Images after and, where there is one, before the fire: files, or opened.
    bands
        Names of the bands of a GeoTIFF; empty if it holds them.
    post_day, pre_day
        When they were taken, unless they say.
    hotspots
        ``events.geojson``, or what was read of it.
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
    around
        WGS 84: scars that do not touch it are left out, and counted. All are told
        of unless given.
    """

    post: Path | Image
    pre: Path | Image | None = None
    bands: tuple[str, ...] = ()
    post_day: date | None = None
    pre_day: date | None = None
    hotspots: Path | Hotspots | None = None
    hotspot_days: int = HOTSPOT_DAYS
    compartments: Path | None = None
    counties: Path | None = None
    datum: Datum | None = None
    min_ha: float = MIN_HA
    hole_ha: float = HOLE_HA
    threshold: float | None = None
    model: Path | None = None
    exact: bool = False
    around: BaseGeometry | None = field(default=None, repr=False)


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
    left_out
        Scars that do not touch `ScarRequest.around`.
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
    left_out: int = 0


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
        threshold = ensemble.open_threshold_of(TASK, model)
    hotspots = request.hotspots
    if isinstance(hotspots, Path):
        hotspots = read_hotspots(hotspots)
    units = _read_units(request)
    with ExitStack() as stack:
        post, pre = _open(request, stack, access)
        survey = Survey(
            post=post,
            pre=pre,
            hotspots=hotspots,
            hotspot_days=request.hotspot_days,
        )
        probability = judge_image(
            model, post.grid, survey.read, exact=request.exact, progress=progress
        )
        burned = find_burned(
            *(probability, threshold, survey.pixel_m),
            min_ha=request.min_ha,
            hole_ha=request.hole_ha,
        )
        contents = [image.content for image in (post, pre) if image is not None]
        outlines = list(
            find_outlines(burned, post.grid, model.card.weights.sha256, *contents)
        )
        told = [one for one in outlines if _touches(one.geometry, request.around)]
        layers = Layers.like(burned) if pre is not None else None
        found = [survey.describe(one, probability, burned, layers) for one in told]
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
        notes=(
            *_notes(post, pre, hotspots, probability, model),
            *_notes_on_units(request, scars),
        ),
        left_out=len(outlines) - len(told),
    )


def _touches(scar: BaseGeometry, around: BaseGeometry | None) -> bool:
    return around is None or bool(shapely.intersects(scar, around))


def _open(
    request: ScarRequest, stack: ExitStack, access: Access | None
) -> tuple[Image, Image | None]:
    post = _enter(request, request.post, request.post_day, stack, access)
    if request.pre is None:
        return post, None
    pre = _enter(request, request.pre, request.pre_day, stack, access)
    if post.day is not None and pre.day is not None and pre.day >= post.day:
        raise ConfigurationError(
            pre.name if isinstance(request.pre, Image) else request.pre,
            f"was taken on {pre.day}, not before {post.day}",
            "give the image before the fire as --pre",
        )
    return post, pre


def _enter(
    request: ScarRequest,
    image: Path | Image,
    day: date | None,
    stack: ExitStack,
    access: Access | None,
) -> Image:
    if isinstance(image, Image):
        return image
    return stack.enter_context(
        opened_image(image, bands=request.bands, day=day, access=access)
    )


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


def _notes_on_units(request: ScarRequest, scars: list[Scar]) -> Iterator[str]:
    for kind, path in (
        ("compartment", request.compartments),
        ("county", request.counties),
    ):
        if path is not None:
            away = sum(
                not any(share.unit.kind == kind for share in scar.shares)
                for scar in scars
            )
            if away:
                yield f"{path.name}: {away} of {len(scars)} scars lie outside"


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

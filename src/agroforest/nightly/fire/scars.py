"""Scars of a fire that is over, mapped once from catalogued images.

Two images are chosen from the catalogue, the window around the place is judged as
``agroforest fire scar`` does, and what belongs to the alert is written down.
"""

from datetime import date
from pathlib import Path

from agroforest.catalog import Catalog
from agroforest.core.config import Pipeline
from agroforest.core.errors import SourceError
from agroforest.cube import Access
from agroforest.nightly.fire.scar_files import (
    Record,
    ScarFound,
    ScarOutcome,
    ScarPictures,
    read_clouded,
    read_record,
    read_scar,
    write_clouded,
)
from agroforest.nightly.fire.scar_images import BurnedPlace, Chosen, choose_images

__all__ = [
    "BurnedPlace",
    "Chosen",
    "ScarFound",
    "ScarOutcome",
    "ScarPictures",
    "choose_images",
    "map_scar",
    "read_mapped",
    "read_scar",
]


def map_scar(
    place: BurnedPlace,
    *,
    catalog: Catalog,
    pipeline: Pipeline,
    night: date,
    out: Path,
    access: Access | None = None,
    redo: bool = False,
) -> ScarOutcome:
    """Map the scars of an alert, unless they are mapped already.

    Parameters
    ----------
    place
        The burned place.
    catalog
        Where scenes are looked up.
    pipeline
        Which of them count, and how far cloud grows. Its classes do not: fresh char
        is often taken for dark ground or water.
    night
        Later scenes do not exist yet, nor does what was mapped from them.
    out
        Folder of the scars; each alert has its own in it.
    access
        How files are reached.
    redo
        Map again if another image is the one to map with: one that came late, one
        that was mended. What was mapped stays valid otherwise, unless the fire
        burned on after that image.

    Returns
    -------
    ScarOutcome
        The same from the files of an earlier call as from this one. Where the
        catalogue or a remote file does not answer, it is waited for.

    Raises
    ------
    ModelError
        The model is damaged.
    ConfigurationError
        The id of the alert names no folder.
    """
    kept = _read_valid(out, place)
    known = kept.outcome if kept is not None and kept.after <= night else None
    if known is not None and not redo:
        return known
    from agroforest.nightly.fire.scar_mapping import (  # noqa: PLC0415  loads torch
        Eye,
        Pair,
        write_scars,
    )

    dilate_m, scenes = pipeline.mask.dilate_m, pipeline.scenes
    clouded = read_clouded(out, place, dilate_m)
    eye = Eye(place=place, dilate_m=dilate_m, access=access, clouded=clouded)
    try:
        chosen = choose_images(
            *(place, catalog),
            night=night,
            see=eye.look,
            collections=scenes.collections,
            max_cloud_cover=scenes.max_cloud_cover,
            lookback_days=scenes.lookback_days,
        )
    except SourceError as error:
        chosen = _unanswered(error)
    write_clouded(out, place, dilate_m, eye.clouded)
    after, before = chosen.after, chosen.before
    if after is None:
        return known or _waiting(place, chosen)
    if kept is not None and not redo:
        return kept.outcome  # mapped on a later night, before this image came
    pair = Pair(
        place=place,
        after=after,
        before=before,
        after_image=eye.images[after.id],
        before_image=eye.images[before.id] if before else None,
        seen=eye.shares[after.id],
        simulated=pipeline.simulated,
    )
    content = pair.content()
    if kept is None or kept.content != content:
        write_scars(out, pair, content)
        kept = read_record(out, place.alert)
        if kept is None:
            raise OSError(f"{out}: what was just written cannot be read")
    return kept.outcome.patch(refused=chosen.refused)


def read_mapped(out: Path, alert: str) -> ScarOutcome | None:
    """Read what an earlier `map_scar` found; ``None`` unless it is there and whole."""
    record = read_record(out, alert)
    return None if record is None else record.outcome


def _read_valid(out: Path, place: BurnedPlace) -> Record | None:
    """Read what is mapped, unless the fire burned on after that image."""
    record = read_record(out, place.alert)
    return record if record is not None and record.after > place.last else None


def _unanswered(error: SourceError) -> Chosen:
    return Chosen(
        waiting_zh=f"影像源没有应答（{error.where}），下次再试",
        waiting_en=f"{error.where} does not answer ({error.problem}); tried next time",
    )


def _waiting(place: BurnedPlace, chosen: Chosen) -> ScarOutcome:
    return ScarOutcome(
        alert=place.alert,
        waiting_zh=chosen.waiting_zh,
        waiting_en=chosen.waiting_en,
        done=chosen.over,
        refused=chosen.refused,
    )

"""The scars of a burned place, from two scenes: looked at, judged, written.

Importing this loads torch; who only reads what is mapped needs `scar_files`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, reproject
from agroforest.core.identity import digest, digest_file
from agroforest.core.scene import Scene
from agroforest.cube import Access, write_cog, write_item
from agroforest.fire.scar import ScarMap, ScarRequest, map_scars
from agroforest.fire.scar_guard import HOTSPOT_DAYS, Hotspots
from agroforest.fire.scar_image import RESOLUTION, Image, opened_scene
from agroforest.fire.scar_outputs import build_geojson, describe, spell_classes
from agroforest.indices import encode
from agroforest.indices.encoding import NODATA
from agroforest.nightly.fire.scar_files import MEMBER, folder_of, record_path
from agroforest.nightly.fire.scar_images import (
    LEAST_SEEN,
    MARGIN_M,
    REACH_M,
    BurnedPlace,
)
from agroforest.risk import models_dir, read_card
from agroforest.risk.tasks.burned_area import TASK

#: Raised whenever the same scenes would give other files.
ALGORITHM = 1

_TITLES = {
    "probability": "Probability that a pixel burned",
    "severity": "Severity by dNBR: ",
    "nbr-before": "Normalised burn ratio before the fire",
    "nbr-after": "Normalised burn ratio after the fire",
}


@dataclass(kw_only=True, slots=True)
class Eye:
    """Looks at scenes of a place, and keeps the images of those that show enough.

    Attributes
    ----------
    place
        Where.
    dilate_m
        Metres by which cloud and shadow grow.
    access
        How files are reached.
    clouded
        By content of the scene, the share that those show which show too little;
        they are not opened again.
    images
        By id of the scene, what the others show of the place and its surroundings.
    shares
        Likewise, the share of the place.
    """

    place: BurnedPlace
    dilate_m: float
    access: Access | None
    clouded: dict[str, float]
    images: dict[str, Image] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)

    def look(self, scene: Scene) -> float:
        """Share of the place that a scene shows; see `scar_images.See`."""
        content = scene.content()
        if content in self.clouded:
            return self.clouded[content]
        spot = self.place.grid(RESOLUTION)
        with opened_scene(scene, dilate_m=self.dilate_m, access=self.access) as image:
            seen = np.isfinite(image.read(spot)[0])
            share = float(seen[spot.contains(self.place.within(RESOLUTION))].mean())
            if share < LEAST_SEEN:
                self.clouded[content] = share
            else:
                self.images[scene.id] = image.keep(self.place.grid(MARGIN_M))
                self.shares[scene.id] = share
        return share


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The images a place is mapped with.

    Attributes
    ----------
    place
        Where.
    after, before
        Scenes.
    after_image, before_image
        What they show.
    seen
        Share of the place that the image after shows.
    simulated
        Whether the scenes never existed.
    """

    place: BurnedPlace
    after: Scene
    before: Scene | None
    after_image: Image
    before_image: Image | None
    seen: float
    simulated: bool

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The scenes."""
        return (self.after,) if self.before is None else (self.after, self.before)

    def content(self) -> str:
        """Digest of all that the files depend on."""
        images = (self.after_image, self.before_image)
        return digest(
            "scars",
            ALGORITHM,
            self.place.alert,
            self.place.outline.wkb_hex,
            [self.place.first, self.place.last],
            [image.content for image in images if image is not None],
            read_card(models_dir() / TASK.name).weights.sha256,
            self.simulated,
        )


def write_scars(out: Path, pair: Pair, content: str) -> None:
    """Map the scars of a place and write them; the record comes last.

    Raises
    ------
    ModelError
        The model is damaged.
    """
    place = pair.place
    folder = folder_of(out, place.alert)
    for scratch in folder.glob(".*.part*"):
        scratch.unlink(missing_ok=True)  # of a run that was killed
    found = map_scars(
        ScarRequest(
            post=pair.after_image,
            pre=pair.before_image,
            hotspots=_hotspots(place),
            around=reproject(place.within(REACH_M), place.crs, WGS84),
        )
    )
    writer = _Writer(folder=folder, content=content, pair=pair, found=found)
    files = {
        f"{place.alert}/{path.name}": digest_file(path) for path in writer.write_all()
    }
    grid = found.grid
    told = {
        "alert": place.alert,
        "content": content,
        "model": f"{found.model} {found.version}",
        "simulated": pair.simulated,
        "hotspots": [str(place.first), str(place.last)],
        "after": str(pair.after.date),
        "before": str(pair.before.date) if pair.before else None,
        "scenes": [scene.id for scene in pair.scenes],
        "grid": {
            "crs": grid.crs,
            "left": grid.left,
            "top": grid.top,
            "resolution": grid.resolution,
            "width": grid.width,
            "height": grid.height,
        },
        "files": files,
        "notes": list(_notes(pair, found)),
    }
    rows = [describe(scar, found) for scar in found.scars]
    write_text(
        record_path(out, place.alert), build_geojson(rows, found.scars, {MEMBER: told})
    )


def _hotspots(place: BurnedPlace) -> Hotspots:
    """Evidence of the guard: the alert itself."""
    outlines = np.empty(1, dtype=object)
    outlines[0] = place.outline
    return Hotspots(
        ids=(place.alert,),
        first=(datetime.combine(place.first, time(), tzinfo=UTC),),
        last=(datetime.combine(place.last, time(), tzinfo=UTC),),
        outlines=outlines,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Writer:
    """Writes the rasters of a place, each with its STAC item.

    Attributes
    ----------
    folder, content
        Where, and what their names begin with.
    pair
        The images.
    found
        What was found in them.
    """

    folder: Path
    content: str
    pair: Pair
    found: ScarMap

    def write_all(self) -> Iterator[Path]:
        """Write all; the probability and the burn ratios as int16, x 10000."""
        pair, found = self.pair, self.found
        yield from self._write("probability", encode(found.probability), pair.after)
        if found.severity is not None:
            yield from self._write("severity", found.severity, pair.after)
        if found.nbr_before is not None and pair.before is not None:
            before = encode(found.nbr_before.astype(np.float32))
            yield from self._write("nbr-before", before, pair.before)
        after = encode(found.nbr.astype(np.float32))
        yield from self._write("nbr-after", after, pair.after)

    def _write(
        self, name: str, numbers: NDArray[Any], scene: Scene
    ) -> tuple[Path, Path]:
        pair, found = self.pair, self.found
        path = self.folder / f"{self.content}-{name}.tif"
        codes = numbers.dtype == np.uint8
        title = _TITLES[name] + (spell_classes() if codes else "")
        model = f"{found.model} {found.version}"
        tags = {
            "MODEL": model,
            "THRESHOLD": f"{found.threshold:g}",
            "IMAGE_AFTER": pair.after.id,
            "IMAGE_BEFORE": pair.before.id if pair.before else "",
        }
        # DEFLATE rather than ZSTD: people open these in whatever they have.
        write_cog(
            path,
            numbers,
            found.grid,
            nodata=0 if codes else NODATA,
            scale=1.0 if codes else 1e-4,
            description=title,
            overviews="nearest" if codes else "average",
            codec="deflate",
            tags=tags | ({"simulated": "yes"} if pair.simulated else {}),
        )
        properties: Mapping[str, object] = {
            "agroforest:alert": pair.place.alert,
            "agroforest:model": model,
            "agroforest:threshold": found.threshold,
            "agroforest:scenes": [one.id for one in pair.scenes],
            "agroforest:simulated": pair.simulated,
        }
        return path, write_item(path, scene.sensed, title=title, properties=properties)


def _notes(pair: Pair, found: ScarMap) -> Iterator[tuple[str, str]]:
    """Say what the user must know, in Chinese and English."""
    if pair.before is None:
        yield (
            "没有可用的火前影像，不给出烧毁程度",
            "no image before the fire: no severity is given",
        )
    hidden = f"{1 - pair.seen:.0%}"
    if hidden != "0%":
        yield (
            f"火场有 {hidden} 被云遮住或没有数据，未判读",
            f"{hidden} of the place is cloud or without data, not judged",
        )
    if found.left_out:
        yield (
            f"附近另有 {found.left_out} 处迹地不与本火场相连，未计入",
            f"{found.left_out} other scars nearby do not touch the place: left out",
        )
    days = (pair.after.date - pair.place.last).days
    if days > HOTSPOT_DAYS:
        yield (
            f"火后影像比最后一次热点晚 {days} 天，只有炭迹能证明过火",
            f"image {days} days after the last hotspot: only char speaks for fire",
        )
    for scene in pair.scenes:
        if "B08" not in scene.band_names:
            yield (
                f"{scene.date} 的影像没有 B08，近红外改用 B8A；模型学的是 B08",
                f"image of {scene.date}: near infrared of B8A; the model learned B08",
            )
    limits = read_card(models_dir() / TASK.name).limits
    yield from zip(limits.zh, limits.en, strict=True)

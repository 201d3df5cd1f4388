"""One scene from one path, for commands that work on a scene and no catalogue."""

from dataclasses import dataclass, field
from pathlib import Path

from agroforest.catalog.band_folder import read_band_folder
from agroforest.catalog.precedence import resolve_granules
from agroforest.catalog.recognise import find_products
from agroforest.core.errors import DataError
from agroforest.core.scene import Scene, build_scene


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleScene:
    """A scene and what had to be assumed to read it.

    Attributes
    ----------
    name
        Of the product, where it is one, else of the pass; a file name.
    scene
        The scene.
    notes
        Sentences for the user.
    """

    name: str
    scene: Scene
    notes: tuple[str, ...] = field(default=())


def read_scene(
    path: Path, *, scale: float | None = None, offset: float | None = None
) -> SingleScene:
    """Read the one scene at a path.

    Parameters
    ----------
    path
        A STAC item file, a product folder (SAFE, Theia, Landsat), or a folder of
        GeoTIFFs named by band.
    scale, offset
        Only for a folder of GeoTIFFs; see `read_band_folder`.

    Raises
    ------
    DataError
        If nothing or more than one scene is there, or the product is damaged.
    """
    try:
        products = find_products(path)
    except DataError:
        if not path.is_dir():
            raise
        granule, notes = read_band_folder(path, scale=scale, offset=offset)
        scene = build_scene((granule,))
        return SingleScene(name=granule.id, scene=scene, notes=notes)
    if scale is not None or offset is not None:
        raise DataError(
            path, "states its own scale and offset", "leave --scale and --offset out"
        )
    scenes = resolve_granules(g for product in products for g in product.read())
    if len(scenes) != 1:
        names = ", ".join(product.path.name for product in products[:3])
        raise DataError(path, f"holds {len(scenes)} scenes ({names} …)", "name one")
    scene = scenes[0]
    whole = len(scene.granules) == 1
    return SingleScene(name=scene.granules[0].id if whole else scene.id, scene=scene)

"""What a model sees, in one declared order."""

from agroforest.features.series import (
    DIGEST,
    NAMES,
    Z_CLIP,
    FeatureBlock,
    assemble,
    build,
)

__all__ = ["DIGEST", "NAMES", "Z_CLIP", "FeatureBlock", "assemble", "build"]

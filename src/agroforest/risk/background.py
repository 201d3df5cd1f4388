"""What a scene says of itself where nothing happened, and answers beside that.

A network that has never seen a place is too sure or too shy of all of it: of dark
rock, of dry grass. Most of a scene is what is not looked for, so how sure the network
is of the larger part tells its error there, and that is taken off everywhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """How the logits of a scene are levelled.

    Attributes
    ----------
    quantile
        Of the logits of a scene: as high as the background reaches. More of the
        scene than this must not be looked for, or the rest is taken for background.
    usual
        That quantile in most scenes; one below it is left there: a scene that looks
        safe is no reason to doubt that.
    furthest
        Logits are moved down by no more than this.
    """

    quantile: float
    usual: float
    furthest: float

    def describe(self) -> str:
        """One line for the card."""
        return (
            f"moved down to {self.usual:g} at the {self.quantile:g} quantile of a "
            f"scene, by {self.furthest:g} at most"
        )

    def level(
        self, logits: NDArray[np.float32], known: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Take off what the background is too high.

        Parameters
        ----------
        logits
            ``(y, x)`` of a whole scene.
        known
            ``(y, x)``, True where the scene has data; others do not count, but
            are moved too.
        """
        found = logits[known & np.isfinite(logits)]
        if not found.size:
            return logits
        off = float(np.quantile(found, self.quantile)) - self.usual
        return logits - np.float32(np.clip(off, 0, self.furthest))

"""What may differ between the series a network learns from and those it meets."""

from dataclasses import dataclass

import torch
from torch import Tensor

from agroforest.features import Z_CLIP
from agroforest.indices.season import BANDS, SIGNALS
from agroforest.risk.train import Batch

# Bands without which CRSWIR is not known.
_CONTINUUM = [BANDS.index(band) for band in ("B8A", "B11", "B12")]
_TOLD = len(SIGNALS)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeriesChanges:
    """Changes of a batch of series: misjudged spreads, noise, lost bands.

    A simulated season is estimated from what the simulation says noise is; a real one
    is not. So a pixel's spreads are taken for too large or too small, and every
    residual gets noise of its own.

    Attributes
    ----------
    centre, scale
        Of the features, ``(feature,)`` float32: batches come normalised.
    rough
        Share of the series that get a gain and noise.
    gain
        Standard deviation of the logarithm of a series' gain.
    noise
        Standard deviation of the noise' own standard deviation, in the pixel's
        spreads; most series get little, a few much.
    hidden, most
        Share of the series that lose bands, and how many at most.
    """

    centre: Tensor
    scale: Tensor
    rough: float = 0.7
    gain: float = 0.25
    noise: float = 0.5
    hidden: float = 0.3
    most: int = 4

    def describe(self) -> str:
        """One line for the card."""
        return (
            f"gain exp(N(0, {self.gain:g})) and noise of |N(0, {self.noise:g})| "
            f"spreads for {self.rough:.0%} of the series, 1 to {self.most} bands "
            f"hidden from {self.hidden:.0%}"
        )

    def __call__(self, batch: Batch) -> Batch:
        """Give a changed batch; ``values`` is ``(series, date, feature)`` float32."""
        values = batch["values"] * self.scale + self.centre
        seen = values[..., _TOLD : 2 * _TOLD] > 0.5
        z = torch.where(seen, self._roughen(values[..., :_TOLD]), 0.0)
        kept = ~self._hide(len(values))
        values[..., :_TOLD] = z * kept
        values[..., _TOLD : 2 * _TOLD] = seen & kept
        return {**batch, "values": (values - self.centre) / self.scale}

    def _roughen(self, z: Tensor) -> Tensor:
        count = len(z)
        gain = torch.exp(self.gain * torch.randn(count, 1, 1))
        noise = self.noise * torch.randn(count, 1, 1).abs() * torch.randn(z.shape)
        chosen = torch.rand(count, 1, 1) < self.rough
        return torch.where(chosen, (z * gain + noise).clamp(-Z_CLIP, Z_CLIP), z)

    def _hide(self, count: int) -> Tensor:
        """Which signals a series loses, ``(series, 1, signal)`` bool."""
        rank = torch.rand(count, len(BANDS)).argsort(dim=1)
        hidden = rank < torch.randint(1, self.most + 1, (count, 1))
        hidden &= torch.rand(count, 1) < self.hidden
        continuum = hidden[:, _CONTINUUM].any(dim=1, keepdim=True)
        return torch.cat([hidden, continuum], dim=1)[:, None]

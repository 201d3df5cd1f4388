"""Training of the canopy spectrum emulator from a table of PROSAIL spectra."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agroforest.core.errors import DataError
from agroforest.core.identity import digest_file
from agroforest.risk.card import (
    Answer,
    Calibration,
    Inputs,
    Learner,
    Limits,
    Metric,
    Model,
    ModelCard,
    Purpose,
    Training,
    Weights,
    save_model,
    schema_digest,
)
from agroforest.risk.net import DenseNet, weights_of
from agroforest.risk.simulate.spectra import EMULATOR, PARAMETERS, SPECTRUM, Emulator
from agroforest.risk.train import Progress, Recipe, Rows, fit_network

_HELD_OUT = 0.05  # one spectrum in twenty judges the emulator
_RECIPE = Recipe(epochs=40, batch=512, rate=1e-2, decay=0.0)
_ANSWER = Answer(head="value", outputs=SPECTRUM, unit="reflectance")
_NETWORK = Learner(family="dense", width=64, blocks=2, kernel=1)
_PURPOSE = Purpose(
    zh="由叶片与林分参数快速估算冠层反射率（PROSAIL 的替身），用于生成模拟时间序列。",
    en="Canopy reflectance from leaf and stand parameters (a stand-in for PROSAIL), "
    "for making simulated series.",
)
_LIMITS = Limits(
    zh=("超出训练参数范围即为外推。", "不含树木阴影、树枝与地形。"),
    en=(
        "Outside the ranges of its parameters it extrapolates.",
        "No shadows between crowns, no branches, no terrain.",
    ),
    never_tested=("measured spectra",),
)


def train_emulator(
    lut: Path, out: Path, *, seed: int = 0, progress: Progress | None = None
) -> Model:
    """Train the emulator and write its folder.

    Parameters
    ----------
    lut
        ``.npz`` with ``X`` ``(n, 14)`` parameters in the order of
        `spectra.PARAMETERS` and ``Y`` ``(n, 10)`` reflectance 0..1 in the order
        of `spectra.SPECTRUM`, both float32.
    out
        Folder to write.
    seed
        Of the split, the initial weights and the order.
    progress
        Told after every epoch.

    Raises
    ------
    DataError
        If `lut` does not hold such a table.
    """
    x, y = _read_table(lut)
    order = np.random.default_rng(seed).permutation(len(x))
    held = order[: int(_HELD_OUT * len(x))]
    learned = order[held.size :]
    centre, scale = x[learned].mean(axis=0), x[learned].std(axis=0)
    level, spread = y[learned].mean(axis=0), y[learned].std(axis=0)
    network = fit_network(
        lambda: DenseNet(_NETWORK, len(PARAMETERS), len(SPECTRUM)),
        Rows(
            arrays={
                "values": (x[learned] - centre) / scale,
                "target": (y[learned] - level) / spread,
            },
            batch=_RECIPE.batch,
        ),
        _squared,
        Recipe(
            epochs=_RECIPE.epochs,
            batch=_RECIPE.batch,
            rate=_RECIPE.rate,
            decay=_RECIPE.decay,
            seed=seed,
        ),
        progress=progress,
    )
    tensors = weights_of(network)
    last = f"layers.{_NETWORK.blocks}"  # the weights answer in reflectance
    tensors[f"{last}.weight"] = tensors[f"{last}.weight"] * spread[:, None]
    tensors[f"{last}.bias"] = tensors[f"{last}.bias"] * spread + level
    card = _card(lut, seed, centre, scale)
    emulator = Emulator(Model(folder=out, card=card, tensors=tensors))
    error = emulator.reflectance(x[held]) - y[held]
    metrics = tuple(
        Metric(
            name=f"rmse_{band}",
            on="held-out spectra",
            value=round(float(np.sqrt(np.mean(column**2))), 5),
            note="reflectance",
        )
        for band, column in zip(SPECTRUM, error.T, strict=True)
    )
    return save_model(out, card.model_copy(update={"metrics": metrics}), tensors)


def _squared(network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    return torch.mean((network(batch["values"]) - batch["target"]) ** 2)


def _read_table(lut: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    remedy = "give the table of canopy spectra, prosail_s2_lut.npz"
    try:
        with lut.open("rb") as stream, np.load(stream, allow_pickle=False) as table:
            x, y = table["X"].astype(np.float32), table["Y"].astype(np.float32)
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise DataError(lut, f"not a table of spectra ({error})", remedy) from None
    expected = (len(x), len(PARAMETERS)), (len(x), len(SPECTRUM))
    if (x.shape, y.shape) != expected:
        raise DataError(lut, f"X {x.shape}, Y {y.shape}, not {expected}", remedy)
    return x, y


def _card(
    lut: Path, seed: int, centre: NDArray[np.float32], scale: NDArray[np.float32]
) -> ModelCard:
    return ModelCard(
        name=EMULATOR,
        version="1.0.0",
        licence="Apache-2.0",
        purpose=_PURPOSE,
        inputs=Inputs(
            features=PARAMETERS,
            digest=schema_digest(PARAMETERS),
            centre=tuple(float(v) for v in centre),
            scale=tuple(float(v) for v in scale),
            steps=1,
        ),
        answer=_ANSWER,
        learners=(_NETWORK,),
        weights=Weights(sha256="0" * 64, parameters=1),
        training=Training(
            data=f"{lut.name}: spectra computed with PROSAIL (PROSPECT-D, 4SAIL) and "
            "the spectral response of Sentinel-2A",
            data_sha256=digest_file(lut),
            simulated=True,
            split="one spectrum in twenty held out at random",
            seed=seed,
            recipe=f"mean squared error of standardised bands; {_RECIPE.describe()}",
        ),
        calibration=Calibration(),
        metrics=(),
        limits=_LIMITS,
    )

"""Training of ``canopy-stress`` from simulated forests alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn import functional

from agroforest.core.errors import ConfigurationError
from agroforest.core.identity import digest, digest_file
from agroforest.features import DIGEST, NAMES
from agroforest.risk.card import (
    DISTURBED,
    Answer,
    Calibration,
    Inputs,
    Learner,
    Limits,
    Model,
    ModelCard,
    Purpose,
    Training,
    Weights,
    load_model,
    models_dir,
    save_model,
    schema_digest,
)
from agroforest.risk.datasets.canopy_stress import (
    OUTPUTS,
    VALIDATION_SEED,
    Series,
    build_series,
)
from agroforest.risk.net import SeriesNet, weights_of
from agroforest.risk.replay import Replay, replay
from agroforest.risk.series_changes import SeriesChanges
from agroforest.risk.simulate import VERSION, Emulator
from agroforest.risk.simulate.events import UNCLEAR
from agroforest.risk.simulate.spectra import EMULATOR, PARAMETERS
from agroforest.risk.train import Progress, Recipe, Rows, fit_network
from agroforest.risk.watched import alarms_per_year, evaluate_canopy_stress

NAME = "canopy-stress"
_STEPS = 16
_BATCH = 512
_ANSWER = Answer(head="classes", outputs=OUTPUTS)
_NETWORK = Learner(family="series", width=24, blocks=3, kernel=3)
_CONFIRMATIONS = 2
_LIMITS_TRIED = np.round(np.arange(0.5, 0.996, 0.005), 3)
#: False alarms a healthy pixel and year that the thresholds may cause together.
ACCEPTED = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much to simulate and how long to train: forests, and passes over them."""

    train: int = 400
    validation: int = 60
    test: int = 60
    epochs: int = 10


_PURPOSE = Purpose(
    zh="逐像元判断林冠是否偏离自身季节规律（胁迫）或已消失，供实地核查；"
    "不能判定原因，不是病虫害诊断。",
    en="Says of every pixel whether its canopy leaves its own season (stress) or is "
    "gone, as a reason to go and look; it does not say why.",
)
_LIMITS = Limits(
    zh=(
        "只用模拟序列训练，没有使用任何实测标签。",
        "卫星看到的是症状：干旱、虫害、病害、疏伐在此无法区分。",
        "不是诊断，必须实地核查；不得据此直接施药、采伐或处罚。",
        "从未在广西检验。",
    ),
    en=(
        "Trained on simulated series only; no measured label was used.",
        "Drought, insects, disease and thinning cannot be told apart.",
        "Not a diagnosis: no spraying, felling or fine without a look in the field.",
        "Never tested in Guangxi.",
    ),
    never_tested=("Guangxi", "eucalyptus", "bamboo", "mangrove"),
)


def train_canopy_stress(
    out: Path,
    *,
    lut: Path | None = None,
    seed: int = 0,
    size: Size | None = None,
    progress: Progress | None = None,
) -> Model:
    """Simulate forests, train, calibrate, choose thresholds, evaluate, write.

    Parameters
    ----------
    out
        Folder to write.
    lut
        Table of canopy spectra that the shipped emulator must have been trained
        on; not looked at unless given.
    seed
        Of the training forests, the initial weights and the order.
    size
        Of the training; about five minutes on two cores unless given.
    progress
        Told what is being done.

    Returns
    -------
    Model
        As `load_model` would give it.

    Raises
    ------
    ConfigurationError
        If `lut` is another table than the emulator's.
    ModelError
        If the emulator is missing.
    """
    say = progress or (lambda _share, _note: None)
    emulator = Emulator.shipped()
    source = load_model(models_dir() / EMULATOR, schema=schema_digest(PARAMETERS))
    _check_table(source, lut)
    size = size or Size()
    say(0.0, f"simulating {size.train} forests")
    first = seed * 10_000
    learned = build_series(emulator, range(first, first + size.train))
    validation = range(VALIDATION_SEED, VALIDATION_SEED + size.validation)
    held = build_series(emulator, validation)
    centre, scale = _normal(learned)
    say(0.3, f"training on {len(learned.values)} series")
    network = fit_network(
        lambda: SeriesNet(_NETWORK, len(NAMES), len(OUTPUTS)),
        Rows(
            arrays={
                "values": (learned.values - centre) / scale,
                "mask": learned.mask,
                "target": learned.target,
            },
            batch=_BATCH,
            change=_changes(centre, scale),
        ),
        _cross_entropy,
        _recipe(seed, size.epochs),
        progress=lambda share, note: say(0.3 + 0.4 * share, note),
    )
    card = _card(source, seed, size, centre, scale)
    temperature = _fit_temperature(network, held, centre, scale)
    model = _calibrated(out, card, network, temperature, {})
    say(0.75, "choosing thresholds on validation forests")
    watched = list(replay(model, emulator, validation))
    limits = {DISTURBED: choose_threshold(watched)}
    model = _calibrated(out, card, network, temperature, limits)
    say(0.85, "evaluating on test forests")
    metrics = evaluate_canopy_stress(model, forests=size.test)
    return save_model(
        out, model.card.model_copy(update={"metrics": metrics}), model.tensors
    )


def choose_threshold(watched: Sequence[Replay], accepted: float = ACCEPTED) -> float:
    """Lowest threshold that alarms few healthy pixels.

    Parameters
    ----------
    watched
        Validation forests.
    accepted
        False alarms a healthy pixel and year, of both hazards together.

    Returns
    -------
    float
        Probability of "not healthy", at least 0.5.
    """

    def alarms(limit: float) -> float:
        return alarms_per_year(watched, lambda r: r.unwell_twice >= limit)

    return next(
        (float(t) for t in _LIMITS_TRIED if alarms(float(t)) <= accepted),
        float(_LIMITS_TRIED[-1]),
    )


def _recipe(seed: int, epochs: int) -> Recipe:
    return Recipe(epochs=epochs, batch=_BATCH, rate=4e-3, seed=seed)


def _changes(centre: NDArray[np.float32], scale: NDArray[np.float32]) -> SeriesChanges:
    return SeriesChanges(centre=torch.from_numpy(centre), scale=torch.from_numpy(scale))


def _check_table(source: Model, lut: Path | None) -> None:
    if lut is not None and digest_file(lut) != source.card.training.data_sha256:
        raise ConfigurationError(
            lut,
            f"not the table that {EMULATOR} {source.card.version} was trained on",
            f"train {EMULATOR} on it first, or leave it out",
        )


def _normal(s: Series) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    seen = s.values[s.mask]
    spread = seen.std(axis=0)
    return seen.mean(axis=0), np.where(spread > 0, spread, 1).astype(np.float32)


def _cross_entropy(network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    logits = network(batch["values"], batch["mask"])
    return functional.cross_entropy(
        logits.flatten(0, 1), batch["target"].flatten(), ignore_index=UNCLEAR
    )


def _fit_temperature(
    network: nn.Module,
    held: Series,
    centre: NDArray[np.float32],
    scale: NDArray[np.float32],
) -> float:
    """Temperature that makes held-out labels most likely (Guo et al. 2017)."""
    with torch.inference_mode():
        logits = torch.cat(
            [
                network(
                    torch.from_numpy((held.values[i : i + 4096] - centre) / scale),
                    torch.from_numpy(held.mask[i : i + 4096]),
                )
                for i in range(0, len(held.values), 4096)
            ]
        ).flatten(0, 1)
    target = torch.from_numpy(held.target).flatten()

    def surprise(temperature: float) -> float:
        scaled = logits / temperature
        return float(functional.cross_entropy(scaled, target, ignore_index=UNCLEAR))

    best = minimize_scalar(surprise, bounds=(0.3, 3.0), method="bounded")
    return round(float(best.x), 3)


def _calibrated(
    out: Path,
    card: ModelCard,
    network: nn.Module,
    temperature: float,
    thresholds: Mapping[str, float],
) -> Model:
    calibration = Calibration(
        temperature=temperature, thresholds=thresholds, confirmations=_CONFIRMATIONS
    )
    changed = card.model_copy(update={"calibration": calibration})
    return Model(folder=out, card=changed, tensors=weights_of(network))


def _card(
    source: Model,
    seed: int,
    size: Size,
    centre: NDArray[np.float32],
    scale: NDArray[np.float32],
) -> ModelCard:
    spectra = source.card
    return ModelCard(
        name=NAME,
        version="2.0.1",
        licence="Apache-2.0",
        purpose=_PURPOSE,
        inputs=Inputs(
            features=NAMES,
            digest=DIGEST,
            centre=tuple(round(float(v), 6) for v in centre),
            scale=tuple(round(float(v), 6) for v in scale),
            steps=_STEPS,
        ),
        answer=_ANSWER,
        learners=(_NETWORK,),
        weights=Weights(sha256="0" * 64, parameters=1),
        training=Training(
            data=f"{size.train} simulated forests of 160 pixels, spectra by "
            f"{spectra.title}",
            data_sha256=digest(VERSION, spectra.weights.sha256, seed, size.train),
            simulated=True,
            generator=f"agroforest.risk.simulate version {VERSION}",
            split=f"by forest: seeds {seed * 10_000}.. to train, "
            f"{VALIDATION_SEED}.. ({size.validation}) to calibrate and choose "
            "thresholds, 2000000.. to test",
            seed=seed,
            recipe=f"cross-entropy of every clear date; "
            f"{_changes(centre, scale).describe()}; "
            f"{_recipe(seed, size.epochs).describe()}",
        ),
        calibration=Calibration(),
        metrics=(),
        limits=_LIMITS,
    )

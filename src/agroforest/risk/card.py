"""Model cards: what a model is, what it was made of, and what it must not do.

A model is a folder with ``card.toml`` and ``weights.safetensors``. The card holds
the weights' checksum and a digest of the inputs' names and order, and a model
whose files do not agree with it, or with this program, is refused. Nothing is
ever unpickled.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from agroforest.core.errors import ModelError
from agroforest.core.files import replacing, write_text
from agroforest.core.identity import digest, digest_file
from agroforest.features import DIGEST
from agroforest.risk.tuned import FineTuning

#: Newest version of the card format that this program reads.
FORMAT = 3
#: Version of cards of models that learned from scratch, and of those that learned on.
_PLAIN, TUNED = 2, 3
#: Threshold of a canopy model: of the probability that a canopy is not healthy.
DISTURBED = "canopy-disturbed"
#: Appended to the name of a decision: its threshold for the learners of one family
#: that are asked alone.
ALONE = "-networks"
#: Likewise: its threshold for answers that were not finished, `Task.finish`.
OPEN = "-open"
CARD_NAME, WEIGHTS_NAME = "card.toml", "weights.safetensors"
#: What the weights of a model look like in memory.
Tensors = Mapping[str, NDArray[Any]]

_Fraction = Annotated[float, Field(ge=0, le=1)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Purpose(_Section):
    """``[purpose]``: what the model is for, in both languages."""

    zh: str
    en: str


class Inputs(_Section):
    """``[inputs]``: what the model sees of one date, in this order."""

    features: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names, in order."""
    digest: _Digest
    """Of the schema; a program that builds other features is refused."""
    centre: tuple[float, ...] = ()
    """Subtracted from each feature; none where the weights hold it."""
    scale: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Divides each feature after that."""
    steps: Annotated[int, Field(ge=1)] = 1
    """Dates the model was trained to look at together."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len(self.centre) != len(self.scale) or (
            self.centre and len(self.centre) != len(self.features)
        ):
            raise ValueError("features, centre and scale have different lengths")
        return self


class Answer(_Section):
    """``[answer]``: what the model says."""

    head: Literal["probability", "classes", "value"]
    """``probability``: of one thing; ``classes``: probabilities that add up to one;
    ``value``: plain numbers."""
    outputs: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the outputs, in order."""
    unit: str = ""
    """Of values."""


class Learner(_Section):
    """``[[learners]]``: a member of the family, `agroforest.risk.net`, or trees."""

    family: Literal["series", "scene", "dense", "trees", "ground"]
    """``series``: convolutions over dates; ``scene``: over neighbours; ``dense``: a
    row at a time; ``trees``: boosted decision trees; ``ground``: a surface of what
    was seen nearby."""
    width: Annotated[int, Field(ge=0, le=4096)] = 0
    """Channels inside; leaves of a tree."""
    blocks: Annotated[int, Field(ge=0, le=65536)] = 0
    """Layers or residual blocks; trees."""
    kernel: Annotated[int, Field(ge=0, le=64)] = 0
    """Dates, or pixels along a side, that one convolution looks at."""
    variant: str = ""
    """Which form of the family, where it has several."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the common answer."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Divides its logits before they are mixed with those of others."""


class Ensemble(_Section):
    """``[ensemble]``: copies of every learner, each without a part of the places."""

    folds: Annotated[int, Field(ge=2, le=64)]
    """Copies; copy *i* has not seen the places of part *i*."""
    held_out: Mapping[str, Annotated[int, Field(ge=0)]]
    """Part of every place."""


class Weights(_Section):
    """``[weights]``: the file beside the card."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    parameters: Annotated[int, Field(ge=1)]


class Training(_Section):
    """``[training]``: what it learned from."""

    data: str
    data_sha256: _Digest
    simulated: bool
    """True if no measured label was used."""
    split: str
    generator: str = ""
    """Version of the simulation."""
    seed: int
    recipe: str
    """Loss, optimiser, length."""


class Calibration(_Section):
    """``[calibration]``: from logits to decisions."""

    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Divides the logits; fitted on validation."""
    thresholds: Mapping[str, _Fraction] = {}
    """Probability that counts as detected, chosen on validation."""
    prior: tuple[_Fraction, ...] = ()
    """Shares of the classes where it learned; where given, those of a new place are
    estimated from its unlabelled items, `agroforest.risk.prior`."""
    prior_weight: Annotated[float, Field(ge=0)] = 0.0
    """Items that `prior` counts as beside those of a place."""
    prior_power: _Fraction = 1.0
    """How far the shares of a place are trusted."""
    confirmations: Annotated[int, Field(ge=1)] = 1
    """Successive clear dates that must reach the threshold."""


class Metric(_Section):
    """``[[metrics]]``: one number and how sure it is."""

    name: str
    on: str
    """Which data."""
    value: float
    low: float | None = None
    high: float | None = None
    """95 % bootstrap interval over independent places."""
    prevalence: _Fraction | None = None
    note: str = ""


class Limits(_Section):
    """``[limits]``: what nobody should use it for."""

    zh: tuple[str, ...]
    en: tuple[str, ...]
    never_tested: tuple[str, ...]


class ModelCard(_Section):
    """``card.toml``."""

    format: Annotated[int, Field(ge=1)] = _PLAIN
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+(\+[0-9a-z.]+)?$")]
    licence: str
    purpose: Purpose
    inputs: Inputs
    answer: Answer
    learners: Annotated[tuple[Learner, ...], Field(min_length=1)]
    ensemble: Ensemble | None = None
    weights: Weights
    training: Training
    fine_tuning: FineTuning | None = None
    calibration: Calibration
    metrics: tuple[Metric, ...]
    limits: Limits

    @property
    def title(self) -> str:
        """Name and version, as maps show it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A model whose files were found to agree with its card.

    Attributes
    ----------
    folder
        Where it came from.
    card
        Its card.
    tensors
        Its weights.
    """

    folder: Path
    card: ModelCard
    tensors: Tensors = field(repr=False)

    @cached_property
    def identity(self) -> str:
        """Digest of everything that changes what the model says."""
        card = self.card
        return digest(
            card.title, card.weights.sha256, card.calibration.model_dump(mode="json")
        )


def schema_digest(features: tuple[str, ...]) -> str:
    """Digest of the inputs' names and order."""
    return digest("features", features)


def models_dir() -> Path:
    """Folder of the shipped models, in an installed wheel or a checkout.

    Raises
    ------
    ModelError
        If neither is there.
    """
    package = Path(str(files("agroforest")))
    for folder in (package / "_models", package.parents[1] / "models"):
        if folder.is_dir():
            return folder
    raise ModelError(
        package, "no folder of models beside it", "install agroforest again"
    )


def read_card(folder: Path) -> ModelCard:
    """Read and check a model's card, without its weights.

    Raises
    ------
    ModelError
        If the card is missing, not TOML, of a newer format, or incomplete.
    """
    path = folder / CARD_NAME
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise ModelError(path, reason, "name the folder of a model") from None
    except (ValueError, RecursionError) as error:  # a number may be too long, too
        raise ModelError(path, f"not TOML ({error})", _REINSTALL) from None
    version = text.get("format", 0)
    if isinstance(version, int) and version > FORMAT:
        problem = f"card format {version}, this program reads up to {FORMAT}"
        raise ModelError(path, problem, "upgrade agroforest")
    try:
        return ModelCard.model_validate(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "card"
        raise ModelError(path, f"{place}: {first['msg']}", _REINSTALL) from None


def load_model(folder: Path, *, schema: str = DIGEST) -> Model:
    """Load a model, or refuse it.

    Parameters
    ----------
    folder
        Holds ``card.toml`` and ``weights.safetensors``.
    schema
        Digest of the features the caller builds; that of `agroforest.features`
        unless given.

    Raises
    ------
    ModelError
        If a file is missing or damaged, the checksum differs, the card is of a
        newer format, the features are others, or the shapes do not fit.
    """
    card = read_card(folder)
    _check_schema(folder, card, schema)
    path = folder / WEIGHTS_NAME
    if not path.is_file():
        raise ModelError(path, "no such file", _REINSTALL)
    found = digest_file(path)
    if found != card.weights.sha256:
        problem = f"sha256 {found[:12]}…, the card says {card.weights.sha256[:12]}…"
        raise ModelError(path, problem, _REINSTALL)
    tensors = _read_tensors(path)
    count = sum(t.size for t in tensors.values())
    if count != card.weights.parameters:
        problem = f"{count} parameters, the card says {card.weights.parameters}"
        raise ModelError(path, problem, _REINSTALL)
    return Model(folder=folder, card=card, tensors=tensors)


def save_model(folder: Path, card: ModelCard, tensors: Tensors) -> Model:
    """Write weights and card; checksum and parameter count are filled in.

    The same model always gives the same bytes. The card comes last, so a folder
    with a card is complete.
    """
    content = save(dict(sorted(tensors.items())))
    path = folder / WEIGHTS_NAME
    with replacing(path) as scratch:
        scratch.write_bytes(content)
    count = sum(t.size for t in tensors.values())
    weights = Weights(sha256=digest_file(path), parameters=count)
    card = card.model_copy(update={"weights": weights})
    write_text(folder / CARD_NAME, _render(card))
    return load_model(folder, schema=card.inputs.digest)


_REINSTALL = "restore the model's folder or train it again"


def _check_schema(folder: Path, card: ModelCard, schema: str) -> None:
    where = folder / CARD_NAME
    if card.inputs.digest != schema_digest(card.inputs.features):
        problem = "the list of features is not the one its digest was made of"
        raise ModelError(where, problem, _REINSTALL)
    if card.inputs.digest != schema:
        problem = f"made for features {card.inputs.digest}, this program has {schema}"
        raise ModelError(where, problem, "use the models of this release or train")


def _read_tensors(path: Path) -> Tensors:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(path, f"not safetensors ({error})", _REINSTALL) from None


def _render(card: ModelCard) -> str:
    import tomli_w  # noqa: PLC0415  only who trains writes cards

    plain = card.model_dump(mode="json", exclude_none=True)
    return tomli_w.dumps(plain, multiline_strings=False)

"""Model cards as STAC items, so that catalogues of models can hold them.

STAC Machine Learning Model extension 1.4. A model is of no place and no day: its
item has no geometry, and an interval that holds all days.
"""

from collections import Counter
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pystac
from pystac.extensions.mlm import (
    Hyperparameters,
    InputStructure,
    MLMExtension,
    ModelInput,
    ModelOutput,
    ResultStructure,
    TaskType,
)
from pystac.extensions.raster import DataType

from agroforest.risk.card import CARD_NAME, WEIGHTS_NAME, ModelCard

_ANY = -1  # a length that the input decides
_CHECKSUM = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_MULTIHASH_SHA256 = "1220"
_START = datetime(2015, 6, 23, tzinfo=UTC)  # Sentinel-2A was launched
_END = datetime(9999, 12, 31, tzinfo=UTC)


def describe(card: ModelCard) -> dict[str, Any]:
    """Describe a model as a STAC item.

    Parameters
    ----------
    card
        Its card.

    Returns
    -------
    dict
        GeoJSON feature; its assets lie beside it, in the model's folder.
    """
    item = pystac.Item(
        id=f"agroforest-{card.name}-{card.version}",
        geometry=None,
        bbox=None,
        datetime=None,
        start_datetime=_START,
        end_datetime=_END,
        properties={
            "title": card.title,
            "description": f"{card.purpose.en} · {card.purpose.zh}",
            "license": card.licence,
            "version": card.version,
            "agroforest:limits": list(card.limits.en),
            "agroforest:never_tested": list(card.limits.never_tested),
            "agroforest:metrics": [
                m.model_dump(mode="json", exclude_none=True) for m in card.metrics
            ],
        },
    )
    task = _task(card)
    MLMExtension.ext(item, add_if_missing=True).apply(
        name=card.name,
        architecture=_architecture(card),
        tasks=[task],
        input=[_input(card)],
        output=[_output(card, task)],
        framework="PyTorch",
        total_parameters=card.weights.parameters,
        pretrained=True,
        pretrained_source=card.training.data,
        hyperparameters=Hyperparameters.create(
            seed=card.training.seed, recipe=card.training.recipe
        ),
    )
    item.stac_extensions.append(_CHECKSUM)
    item.add_asset(
        "weights",
        pystac.Asset(
            href=f"./{WEIGHTS_NAME}",
            title="Weights",
            media_type="application/octet-stream",
            roles=["mlm:model", "mlm:weights"],
            extra_fields={
                "mlm:artifact_type": "safetensors",
                "file:checksum": _MULTIHASH_SHA256 + card.weights.sha256,
            },
        ),
    )
    item.add_asset(
        "card",
        pystac.Asset(
            href=f"./{CARD_NAME}",
            title="Model card",
            media_type="application/toml",
            roles=["metadata"],
        ),
    )
    return item.to_dict(include_self_link=False)


def _task(card: ModelCard) -> TaskType:
    if card.answer.head == "value":
        return TaskType.REGRESSION
    if any(learner.family == "scene" for learner in card.learners):
        return TaskType.SEMANTIC_SEGMENTATION
    return TaskType.CLASSIFICATION


def _architecture(card: ModelCard) -> str:
    copies = card.ensemble.folds if card.ensemble else 1
    members = Counter(learner.family for learner in card.learners)
    named = ", ".join(f"{n * copies} {family}" for family, n in members.items())
    return f"ensemble of {named}" if sum(members.values()) * copies > 1 else named[2:]


def _input(card: ModelCard) -> ModelInput:
    features, steps = len(card.inputs.features), card.inputs.steps
    return ModelInput.create(
        name="observations",
        bands=[],
        input=InputStructure.create(
            shape=[_ANY, steps, features],
            dim_order=["batch", "time", "feature"],
            data_type=DataType.FLOAT32,
        ),
        description=", ".join(card.inputs.features),
    )


def _output(card: ModelCard, task: TaskType) -> ModelOutput:
    output = ModelOutput.create(
        name=card.answer.head,
        tasks=[task],
        result=ResultStructure.create(
            shape=[_ANY, len(card.answer.outputs)],
            dim_order=["batch", "output"],
            data_type=DataType.FLOAT32,
        ),
        description=", ".join(card.answer.outputs)
        + (f" ({card.answer.unit})" if card.answer.unit else ""),
    )
    if card.answer.head == "classes":
        output.properties["classification:classes"] = [
            {"value": value, "name": name.lower()}
            for value, name in zip(count(), card.answer.outputs, strict=False)
        ]
    return output

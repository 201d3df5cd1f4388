"""From residuals to risk maps; the only room that knows torch.

Importing this package loads neither torch nor safetensors: the published
three-date rule runs without them, and `predict` loads them when it is given a
model.
"""

from agroforest.risk.card import (
    Metric,
    Model,
    ModelCard,
    load_model,
    models_dir,
    read_card,
)
from agroforest.risk.tile import RULE, predict

__all__ = [
    "RULE",
    "Metric",
    "Model",
    "ModelCard",
    "load_model",
    "models_dir",
    "predict",
    "read_card",
]

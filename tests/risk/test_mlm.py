"""Cards as STAC items."""

import json
import re

import pystac
import pytest
from pystac.extensions.mlm import MLMExtension

from agroforest.risk import models_dir, read_card
from agroforest.risk.mlm import describe

NAMES = sorted(path.parent.name for path in models_dir().glob("*/card.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_model_is_a_stac_item(name: str) -> None:
    card = read_card(models_dir() / name)
    content = json.loads(json.dumps(describe(card)))
    item = pystac.Item.from_dict(content)
    mlm = MLMExtension.ext(item)
    assert mlm.mlm_name == name
    assert mlm.total_parameters == card.weights.parameters
    assert mlm.input[0].input.shape[-1] == len(card.inputs.features)
    assert mlm.output[0].result.shape[-1] == len(card.answer.outputs)
    assert item.assets["weights"].roles == ["mlm:model", "mlm:weights"]
    assert (
        item.assets["weights"]
        .extra_fields["file:checksum"]
        .endswith(card.weights.sha256)
    )
    assert content["properties"]["datetime"] is None
    assert content["properties"]["start_datetime"]
    for output in content["properties"]["mlm:output"]:
        for one in output.get("classification:classes", []):
            assert re.fullmatch(r"[0-9a-z_-]+", one["name"])

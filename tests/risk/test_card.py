"""Cards and weights: what does not agree is refused, in one line."""

import re
from pathlib import Path

import numpy as np
import pytest

from agroforest.core.errors import ModelError
from agroforest.features import DIGEST, NAMES
from agroforest.risk import load_model, models_dir, read_card
from agroforest.risk.card import Model, save_model, schema_digest
from agroforest.risk.series_kernel import prepare
from agroforest.risk.tasks import TASKS


def edit(folder: Path, pattern: str, new: str) -> None:
    path = folder / "card.toml"
    text, count = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    assert count == 1
    path.write_text(text, "utf-8")


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message  # a way out
    for word in words:
        assert word in message


def test_round_trip(small_model: Model) -> None:
    again = load_model(small_model.folder)
    assert again.card == small_model.card
    assert again.identity == small_model.identity
    for name, tensor in small_model.tensors.items():
        np.testing.assert_array_equal(again.tensors[name], tensor)


def test_same_model_same_bytes(small_model: Model, tmp_path: Path) -> None:
    save_model(tmp_path / "again", small_model.card, small_model.tensors)
    for name in ("card.toml", "weights.safetensors"):
        first = (small_model.folder / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == first


@pytest.mark.parametrize("at", [100, -1])
def test_flipped_byte(small_model: Model, at: int) -> None:
    path = small_model.folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    refused(small_model.folder, "sha256")


@pytest.mark.parametrize("name", ["card.toml", "weights.safetensors"])
def test_missing_file(small_model: Model, name: str) -> None:
    (small_model.folder / name).unlink()
    refused(small_model.folder, name, "No such file" if "card" in name else "no such")


def test_truncated_weights_with_a_card_that_agrees(small_model: Model) -> None:
    import hashlib  # noqa: PLC0415

    path = small_model.folder / "weights.safetensors"
    content = path.read_bytes()[:-8]
    path.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    edit(small_model.folder, r'sha256 = "[0-9a-f]{64}"', f'sha256 = "{found}"')
    refused(small_model.folder, "not safetensors")


def test_newer_format(small_model: Model) -> None:
    edit(small_model.folder, "format = 2", "format = 4")
    refused(small_model.folder, "format 4", "upgrade")


def test_changed_order_of_features(small_model: Model) -> None:
    first, second = NAMES[:2]
    edit(small_model.folder, f'"{first}"', '"x"')
    edit(small_model.folder, f'"{second}"', f'"{first}"')
    edit(small_model.folder, '"x"', f'"{second}"')
    refused(small_model.folder, "digest")


def test_features_of_another_program(tmp_path: Path, make_card) -> None:
    swapped = NAMES[::-1]
    card = make_card(swapped, schema_digest(swapped))
    save_model(tmp_path, card, {"a": np.zeros(3, dtype=np.float32)})
    refused(tmp_path, schema_digest(swapped), DIGEST)


def test_lengths_that_disagree(small_model: Model) -> None:
    edit(small_model.folder, r"centre = \[\n\s+0\.0,", "centre = [")
    refused(small_model.folder, "inputs", "different lengths")


@pytest.mark.parametrize(
    ("pattern", "new", "words"),
    [
        ("format = 2", "format = ", "not TOML"),
        ("format = 2", f"format = {'9' * 5000}", "not TOML"),
        ("format = 2", "format = 2\nsurprise = 2", "surprise"),
        ('name = "small"', 'name = "../small"', "name"),
        ("temperature = 1.0", "temperature = nan", "temperature"),
        ('family = "series"', "", "family"),
    ],
)
def test_cards_that_are_none(
    small_model: Model, pattern: str, new: str, words: str
) -> None:
    edit(small_model.folder, pattern, new)
    refused(small_model.folder, words)


def test_weights_of_another_shape(small_model: Model) -> None:
    tensors = dict(small_model.tensors)
    tensors["leave.weight"] = tensors["leave.weight"].T.copy()
    with pytest.raises(ModelError, match=r"leave\.weight"):
        prepare(small_model.card, tensors)


def test_pickle_is_not_read(small_model: Model) -> None:
    path = small_model.folder / "weights.safetensors"
    path.write_bytes(b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.")
    refused(small_model.folder, "sha256")


def test_shipped_models() -> None:
    folders = sorted(p.parent for p in models_dir().glob("*/card.toml"))
    simulated = {"canopy-stress", "prosail-emulator"}
    assert {f.name for f in folders} <= simulated | set(TASKS)
    assert {f.name for f in folders} >= simulated
    for folder in folders:
        card = read_card(folder)
        assert card.name == folder.name
        assert card.training.simulated == (card.name in simulated)
        assert card.metrics
    stress = load_model(models_dir() / "canopy-stress").card
    assert "Guangxi" in stress.limits.never_tested
    assert set(stress.calibration.thresholds) == {"canopy-disturbed"}
    assert all(m.prevalence is not None for m in stress.metrics if m.name[:2] == "ap")

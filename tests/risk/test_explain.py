"""Explanations: what is taken away, and what it brought."""

from pathlib import Path

import numpy as np
import pytest
from tests.risk.test_ensemble import TASK, data, folder, read

from agroforest.core.errors import ConfigurationError
from agroforest.risk import ensemble
from agroforest.risk.explain import explain_item

__all__ = ["data", "folder"]  # fixtures


def test_what_decided_is_named(data: Path, folder: Path) -> None:
    model, samples = ensemble.load(TASK, folder), read(data)
    # Only the first feature tells; a point far on the wet side.
    item = int(samples.values[:, 0].argmax())
    found = explain_item(TASK, model, samples, str(item))
    answers = ensemble.ask(TASK, model, samples)
    assert found.output == "wet"
    assert found.value == pytest.approx(float(answers.value[item, 0]), abs=1e-5)
    assert found.features == ("a", "b", "c")
    assert found.change.shape == (3, 1)
    assert found.change[0, 0] > 0.2
    assert found.change[0, 0] > 3 * np.abs(found.change[1:]).max()


def test_what_was_not_there_brought_nothing(data: Path, folder: Path) -> None:
    model, samples = ensemble.load(TASK, folder), read(data)
    samples.values[5, 1] = np.nan
    found = explain_item(TASK, model, samples, "5")
    assert np.isnan(found.change[1, 0])
    assert np.isfinite(found.change[[0, 2], 0]).all()


def test_items_nobody_knows(data: Path, folder: Path) -> None:
    model = ensemble.load(TASK, folder)
    with pytest.raises(ConfigurationError, match="name one such as 0, 1, 2"):
        explain_item(TASK, model, read(data), "x")

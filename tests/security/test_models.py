"""Models and arrays that carry a program."""

import io
import os
import pickle
import shutil
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.security.proving import assert_refused, prove, run_confined

from agroforest.core.errors import AgroforestError
from agroforest.core.identity import digest_file
from agroforest.indices.fire_weather.state import Method
from agroforest.products.fire_weather.saved import load_codes
from agroforest.risk.card import WEIGHTS_NAME, load_model, models_dir, read_card
from agroforest.risk.emulator import _read_table


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def _archive(content: bytes) -> bytes:
    """A file as torch writes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
    return packed.getvalue()


def _array(trap: _Trap, **more: object) -> bytes:
    packed = io.BytesIO()
    objects = np.array([trap, None], dtype=object)
    np.savez(packed, allow_pickle=True, X=objects, Y=objects, **more)  # type: ignore[arg-type]
    return packed.getvalue()


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = _Trap(sprung)
    programs = {f"pickle {n}": pickle.dumps(trap, protocol=n) for n in (0, 2, 4, 5)}
    programs["as torch writes it"] = _archive(programs["pickle 2"])
    programs["arrays of objects"] = _array(trap)
    head = b'{"__metadata__":{"x":"' + b"y" * 50 + b'"}}'
    programs["behind a head of safetensors"] = (
        len(head).to_bytes(8, "little") + head + programs["pickle 4"]
    )
    programs["a head of 2 to the power of 63 bytes"] = b"\xff" * 7 + b"\x7f{}"
    shipped = models_dir() / "fuel-moisture"

    def load(content: bytes, *, honest: bool) -> None:
        folder = Path(shutil.copytree(shipped, tmp_path / "model"))
        weights = folder / WEIGHTS_NAME
        weights.write_bytes(content)
        card = read_card(folder)
        if honest:  # the card is the attacker's, too
            text = (folder / "card.toml").read_text()
            text = text.replace(card.weights.sha256, digest_file(weights))
            (folder / "card.toml").write_text(text)
        try:
            with pytest.raises(AgroforestError):
                load_model(folder, schema=card.inputs.digest)
        finally:
            shutil.rmtree(folder)
        assert not sprung.exists()

    def predict(name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        ended = run_confined("model", "card", name, cwd=tmp_path)
        assert_refused(ended, codes=(1, 2))
        assert not sprung.exists()

    def table(content: bytes) -> None:
        path = tmp_path / "t.npz"
        path.write_bytes(content)
        with pytest.raises(AgroforestError):
            _read_table(path)
        with pytest.raises(AgroforestError):
            load_codes(path, place="x", method=Method())
        assert not sprung.exists()

    prove(
        "pickle in a model or an array",
        {
            **{
                f"weights, {name}, {'matching' if honest else 'another'} card": partial(
                    load, content, honest=honest
                )
                for name, content in programs.items()
                for honest in (True, False)
            },
            **{
                f"model named {name}": partial(predict, name, programs["pickle 2"])
                for name in ("m.pt", "m.pth", "m.pkl", "m.safetensors")
            },
            **{f"table, {k}": partial(table, v) for k, v in programs.items()},
        },
        "refused; nothing is run",
    )
    pickle.loads(programs["pickle 4"])  # noqa: S301  the trap works
    assert sprung.exists()

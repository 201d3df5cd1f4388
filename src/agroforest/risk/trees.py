"""Boosted and bagged trees as plain arrays: judged without the library that grew them.

LightGBM grows trees, `from_lightgbm` turns them into arrays that fit beside a
network's weights, and `predict` walks them. LightGBM is needed only to train.
"""

# mypy: disable-error-code="untyped-decorator"
# (numba has no type information)

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agroforest.core.errors import ModelError

#: Forest as named arrays, the way it is stored; see `Forest`.
Arrays = dict[str, NDArray[np.generic]]

#: Feature of a node that is a leaf.
LEAF = -1
# Rows that go through one tree before the next: their features and one tree stay
# in the cache together. Arbitrary.
_ROWS = 512
# What LightGBM prints for an infinite threshold (``Common::AvoidInf``): NaN on one
# side, every number on the other.
_INFINITE = 1e300
_REMEDY = "restore the model's folder or train it again"


class Booster(Protocol):
    """What is needed of ``lightgbm.Booster``."""

    def dump_model(self) -> dict[str, Any]:
        """Trees as nested dictionaries."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forest:
    """Trees whose nodes lie behind one another in flat arrays.

    Attributes
    ----------
    root
        ``(tree,)`` int32, node each tree starts at.
    output
        ``(tree,)`` int16, output each tree adds to.
    feature
        ``(node,)`` int16, column a node looks at, or `LEAF`.
    number
        ``(node,)`` float32: of a split the threshold, values up to and including
        it go left; of a leaf its value.
    left
        ``(node,)`` int32, left child; the right one lies behind it. 0 for a leaf.
    missing_left
        ``(node,)`` bool, True if NaN goes left.
    inputs
        ``()`` int32, columns of a row.
    outputs
        ``()`` int32, outputs of a row.
    """

    root: NDArray[np.int32]
    output: NDArray[np.int16]
    feature: NDArray[np.int16]
    number: NDArray[np.float32]
    left: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    inputs: NDArray[np.int32]
    outputs: NDArray[np.int32]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Check named arrays so that walking them can neither leave them nor hang.

        Raises
        ------
        ModelError
            If an array is missing, of another type or size, or points outside.
        """
        for name, kind in _KINDS.items():
            if name not in arrays:
                raise ModelError("trees", f"no array {name}", _REMEDY)
            if arrays[name].dtype != kind:
                problem = f"{name} is {arrays[name].dtype}, not {np.dtype(kind)}"
                raise ModelError("trees", problem, _REMEDY)
        forest = cls(**{name: arrays[name] for name in _KINDS})
        if not _is_sound(forest):
            raise ModelError("trees", "nodes point outside their tree", _REMEDY)
        return forest


_KINDS: Mapping[str, type[np.generic]] = {
    "root": np.int32,
    "output": np.int16,
    "feature": np.int16,
    "number": np.float32,
    "left": np.int32,
    "missing_left": np.bool_,
    "inputs": np.int32,
    "outputs": np.int32,
}


def _is_sound(forest: Forest) -> bool:
    nodes = forest.feature.size
    shapes = (forest.number.shape, forest.left.shape, forest.missing_left.shape)
    if any(shape != (nodes,) for shape in shapes):
        return False
    if forest.inputs.shape != () or forest.outputs.shape != ():
        return False
    if forest.root.ndim != 1 or forest.output.shape != forest.root.shape:
        return False
    split = forest.feature != LEAF
    # Children lie behind their parent, so every walk ends.
    child, at = forest.left[split], np.flatnonzero(split)
    return bool(
        _within(forest.feature[split], 0, int(forest.inputs))
        and _within(forest.root, 0, nodes)
        and _within(forest.output, 0, int(forest.outputs))
        and (child > at).all()
        and (child < nodes - 1).all()
    )


def _within(values: NDArray[Any], low: int, high: int) -> bool:
    return bool(((values >= low) & (values < high)).all())


# ---------------------------------------------------------------- from LightGBM
def from_lightgbm(booster: Booster) -> Arrays:
    """Trees of a LightGBM model as arrays.

    Parameters
    ----------
    booster
        ``lightgbm.Booster`` of any objective, in ``gbdt``, ``dart``, ``goss`` or
        ``rf`` mode, after its best iteration if it stopped early.

    Returns
    -------
    dict
        Arrays of a `Forest`. Thresholds are rounded down to float32, which
        decides no float32 value differently.

    Raises
    ------
    ModelError
        If it has categorical splits, linear leaves, or zeros that mean missing.
    """
    dump = booster.dump_model()
    outputs = int(dump["num_tree_per_iteration"])
    trees = dump["tree_info"]
    # A random forest answers with the mean of its trees, boosting with the sum.
    rounds = max(len(trees) // outputs, 1) if dump["average_output"] else 1
    nodes: list[tuple[int, float, int, bool]] = []
    roots = []
    for tree in trees:
        roots.append(len(nodes))
        nodes.extend(_flatten(tree["tree_structure"], len(nodes), rounds))
    columns = list(zip(*nodes, strict=True)) if nodes else [(), (), (), ()]
    return {
        "root": np.array(roots, dtype=np.int32),
        "output": (np.arange(len(trees)) % outputs).astype(np.int16),
        "feature": np.array(columns[0], dtype=np.int16),
        "number": np.array(columns[1], dtype=np.float32),
        "left": np.array(columns[2], dtype=np.int32),
        "missing_left": np.array(columns[3], dtype=np.bool_),
        "inputs": np.array(dump["max_feature_idx"] + 1, dtype=np.int32),
        "outputs": np.array(outputs, dtype=np.int32),
    }


def _flatten(
    tree: dict[str, Any], start: int, rounds: int
) -> Iterator[tuple[int, float, int, bool]]:
    """Nodes of one tree, level by level, so that siblings are neighbours."""
    waiting = deque([tree])
    known = start + 1
    while waiting:
        node = waiting.popleft()
        if "split_feature" not in node:
            if "leaf_coeff" in node:
                _refuse("leaves that hold linear models")
            yield LEAF, float(node["leaf_value"]) / rounds, 0, False
            continue
        threshold, missing_left = _decision(node)
        yield int(node["split_feature"]), threshold, known, missing_left
        waiting += (node["left_child"], node["right_child"])
        known += 2


def _decision(node: dict[str, Any]) -> tuple[float, bool]:
    """Threshold of a split, and whether NaN goes left.

    As ``Tree::NumericalDecision`` of LightGBM does it: where training saw no NaN,
    NaN counts as zero.
    """
    if node["decision_type"] != "<=":
        _refuse(f"splits of type {node['decision_type']}")
    if node["missing_type"] == "Zero":
        _refuse("zeros that mean missing")
    threshold = float(node["threshold"])
    if node["missing_type"] == "NaN":
        return _round_down(threshold), bool(node["default_left"])
    return _round_down(threshold), threshold >= 0


def _round_down(number: float) -> float:
    """Give the greatest float32 that is not above a number."""
    if number >= _INFINITE:
        return math.inf
    largest = float(np.finfo(np.float32).max)
    if number > largest:
        return largest
    if number < -largest:
        return -math.inf
    nearest = np.float32(number)
    if float(nearest) > number:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)


def _refuse(what: str) -> None:
    raise ModelError("LightGBM model", what, "train with numeric splits only")


def join(
    first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]
) -> Arrays:
    """Put trees behind trees: the sum of what both say.

    Parameters
    ----------
    first, second
        Arrays of a `Forest`, of the same rows and outputs.

    Raises
    ------
    ModelError
        If arrays are damaged, or made for other rows or outputs.
    """
    for arrays in (first, second):
        Forest.from_arrays(arrays)
    if any(int(first[n]) != int(second[n]) for n in ("inputs", "outputs")):
        raise ModelError("trees", "see other columns than those before", _REMEDY)
    nodes = first["feature"].size
    split = second["feature"] != LEAF
    moved = {
        **second,
        "root": second["root"] + np.int32(nodes),
        "left": np.where(split, second["left"] + np.int32(nodes), second["left"]),
    }
    lists = [name for name in _KINDS if name not in {"inputs", "outputs"}]
    joined = {n: np.concatenate([first[n], moved[n]]) for n in lists}
    return {**joined, "inputs": first["inputs"], "outputs": first["outputs"]}


# ---------------------------------------------------------------- judging
def predict(arrays: Mapping[str, NDArray[Any]], rows: NDArray[Any]) -> NDArray[Any]:
    """Raw scores of rows: the sum of the leaves they fall into.

    Parameters
    ----------
    arrays
        Arrays of a `Forest`.
    rows
        ``(n, feature)``, taken as float32; NaN where missing.

    Returns
    -------
    ndarray
        ``(n, output)`` float32; summed in float64. Log-odds, logits or values, as
        the trees were trained; no link is applied. The interpreter lock is free
        meanwhile.

    Raises
    ------
    ModelError
        If arrays are damaged or rows have another number of columns.
    """
    forest = Forest.from_arrays(arrays)
    if rows.ndim != 2 or rows.shape[1] != int(forest.inputs):
        problem = f"rows of shape {rows.shape}, trees of {int(forest.inputs)} columns"
        raise ModelError("trees", problem, "use the features it was trained with")
    total = np.zeros((rows.shape[0], int(forest.outputs)), dtype=np.float64)
    _walk(
        np.ascontiguousarray(rows, dtype=np.float32),
        forest.root,
        forest.output,
        forest.feature,
        forest.number,
        forest.left,
        forest.missing_left,
        total,
    )
    return total.astype(np.float32)


@njit(nogil=True, cache=True, error_model="numpy")
def _walk(
    rows: NDArray[np.float32],
    root: NDArray[np.int32],
    output: NDArray[np.int16],
    feature: NDArray[np.int16],
    number: NDArray[np.float32],
    left: NDArray[np.int32],
    missing_left: NDArray[np.bool_],
    total: NDArray[np.float64],
) -> None:
    for first in range(0, rows.shape[0], _ROWS):
        last = min(first + _ROWS, rows.shape[0])
        for tree in range(root.size):
            for row in range(first, last):
                node = root[tree]
                while feature[node] >= 0:
                    value = rows[row, feature[node]]
                    if np.isnan(value):
                        goes_left = missing_left[node]
                    else:
                        goes_left = value <= number[node]
                    node = left[node] if goes_left else left[node] + 1
                total[row, output[tree]] += number[node]

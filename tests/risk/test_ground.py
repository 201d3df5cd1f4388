"""What was seen nearby: by hand, and what must hold wherever points lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agroforest.risk.card import Answer, Learner, Tensors
from agroforest.risk.ground import DEGREE_KM, GroundStudent
from agroforest.risk.rows import Items

STUDENT = GroundStudent(
    spec=Learner(family="ground"),
    answer=Answer(head="probability", outputs=("burns",)),
    position=lambda values: values,
    reach=5.0,
    doubt=0.5,
)
HERE = (99.0, 18.0)


def items(where: list[tuple[float, float]], truth: list[float] | None = None) -> Items:
    return Items(
        values=np.array(where, np.float32),
        place=np.repeat("a", len(where)),
        name=np.arange(len(where)),
        truth=None if truth is None else np.array(truth, np.float32),
    )


def fit(where: list[tuple[float, float]], truth: list[float]) -> Tensors:
    return STUDENT.fit(items(where, truth), seed=0, progress=lambda _share, _note: None)


def say(tensors: Tensors, where: list[tuple[float, float]]) -> NDArray[np.float32]:
    said = STUDENT.say(tensors, items(where))
    assert said.shape == (len(where), 1)
    assert said.dtype == np.float32
    return said[:, 0]


def away(east_km: float, north_km: float) -> tuple[float, float]:
    east = east_km / DEGREE_KM / np.cos(np.radians(HERE[1]))
    return HERE[0] + float(east), HERE[1] + north_km / DEGREE_KM


def test_one_fire_by_hand() -> None:
    """At a fire log(1.5 / 0.5), a reach away log((e**-1 + 0.5) / 0.5), far away 0."""
    tensors = fit([HERE], [1])
    at, reach, far = say(tensors, [HERE, away(0, 5), away(0, 60)])
    assert 0.8 < at < np.log(3) + 1e-3  # between the nodes of the grid the peak is cut
    assert reach == pytest.approx(np.log(2 * np.exp(-1) + 1), abs=0.05)
    assert far == 0


def test_kilometres_are_as_long_in_all_directions() -> None:
    tensors = fit([HERE], [1])
    said = say(tensors, [away(8, 0), away(-8, 0), away(0, 8), away(0, -8)])
    np.testing.assert_allclose(said, said[0], atol=0.02)
    assert said[0] > 0.1


def test_fires_and_none_in_one_place_are_even_odds() -> None:
    tensors = fit([HERE, HERE, away(30, 0)], [1, 0, 1])
    nothing, fire = say(tensors, [HERE, away(30, 0)])
    assert nothing == pytest.approx(0, abs=0.05)
    assert fire > 0.7


def test_what_is_not_known_says_nothing() -> None:
    nan = float("nan")
    tensors = fit([HERE, (nan, 18.0), away(20, 0)], [1, 1, nan])
    assert say(tensors, [(nan, nan), (99.0, nan)]).tolist() == [0, 0]
    assert abs(say(tensors, [away(20, 0)])[0]) < 0.05
    nowhere = fit([(nan, nan)], [1])
    assert say(nowhere, [HERE, (0.0, 0.0), (nan, nan)]).tolist() == [0, 0, 0]


def test_points_far_apart_make_larger_cells_instead_of_more() -> None:
    tensors = fit([(95.0, 15.0), (120.0, 40.0)], [1, 0])
    assert tensors["log_odds"].size < 1_100_000
    fire, none = say(tensors, [(95.0, 15.0), (120.0, 40.0)])
    assert fire > 0.3
    assert none < -0.3


POINTS = st.lists(
    st.tuples(
        st.floats(-20, 20), st.floats(-20, 20), st.booleans()
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(POINTS)
def test_the_other_answer_is_the_other_sign(
    points: list[tuple[float, float, bool]],
) -> None:
    where = [away(east, north) for east, north, _ in points]
    truth = [float(fire) for _, _, fire in points]
    asked = [*where, HERE, away(3, 4)]
    said = say(fit(where, truth), asked)
    other = say(fit(where, [1 - one for one in truth]), asked)
    np.testing.assert_allclose(other, -said, atol=2e-3)
    again = say(fit(where[::-1], truth[::-1]), asked)
    np.testing.assert_allclose(again, said, atol=2e-3)
    # No more than all points at one place say.
    most = np.log((len(points) + 0.5) / 0.5)
    assert (np.abs(said) <= most + 1e-2).all()

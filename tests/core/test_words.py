"""Words of both languages."""

from enum import StrEnum

import pytest

from agroforest.core.account import Role
from agroforest.core.reading import Variable
from agroforest.core.review import Act, Reason, Sampling, Stage, Verdict
from agroforest.core.risk import Hazard
from agroforest.core.words import hazard_words, review_words, variable_words


@pytest.mark.parametrize("kind", [Act, Reason, Role, Sampling, Stage, Verdict])
def test_every_word_of_the_desk_has_two_names(kind: type[StrEnum]) -> None:
    names = [review_words(word) for word in kind]
    assert all(zh and en and zh != en for zh, en in names)
    assert len({zh for zh, _ in names}) == len(kind)


def test_words_spelt_alike_keep_their_own_names() -> None:
    assert str(Stage.SUPERVISOR) == str(Role.SUPERVISOR)
    assert review_words(Stage.SUPERVISOR) != review_words(Role.SUPERVISOR)


@pytest.mark.parametrize("hazard", Hazard)
def test_a_hazard_is_suspected_and_sends_people_out(hazard: Hazard) -> None:
    words = hazard_words(hazard)
    assert words.name[0].startswith("疑似")
    assert "核查" in words.sentence[0]


def test_everything_measured_has_two_names_and_a_unit() -> None:
    for variable in Variable:
        (zh, en), unit = variable_words(variable)
        assert zh
        assert en
        assert unit

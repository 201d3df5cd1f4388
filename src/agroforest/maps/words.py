"""What a hazard is called on a page: a sign seen from space, never a cause."""

from dataclasses import dataclass

from agroforest.core.risk import Hazard


@dataclass(frozen=True, kw_only=True, slots=True)
class HazardWords:
    """Names of one hazard, each Chinese and English.

    Attributes
    ----------
    layer
        Of the risk layer.
    name
        Of an alert, in lists.
    sentence
        What an alert says and asks for.
    """

    layer: tuple[str, str]
    name: tuple[str, str]
    sentence: tuple[str, str]


_WORDS = {
    Hazard.CANOPY_STRESS: HazardWords(
        layer=("冠层胁迫概率", "Canopy stress, probability"),
        name=("疑似冠层胁迫", "Suspected canopy stress"),
        sentence=(
            "疑似冠层胁迫，请实地核查",
            "Canopy stress suspected, check in the field",
        ),
    ),
    Hazard.CANOPY_LOSS: HazardWords(
        layer=("林冠缺失概率", "Canopy loss, probability"),
        name=("疑似林冠缺失", "Suspected canopy loss"),
        sentence=(
            "疑似林冠缺失（采伐或滑坡），请实地核查",
            "Canopy loss suspected (felling or landslide), check in the field",
        ),
    ),
    Hazard.ACTIVE_FIRE: HazardWords(
        layer=("热点", "Hotspots"),
        name=("疑似火情", "Suspected fire"),
        sentence=("疑似火情，请实地核查", "Suspected fire, check in the field"),
    ),
}


def hazard_words(hazard: Hazard) -> HazardWords:
    """Words of a hazard; its own id where nobody has named it yet."""
    plain = (str(hazard), str(hazard))
    return _WORDS.get(hazard) or HazardWords(layer=plain, name=plain, sentence=plain)

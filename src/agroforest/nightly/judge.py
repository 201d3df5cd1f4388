"""Who judges: the model of the settings, or the published rule."""

from dataclasses import dataclass
from pathlib import Path

from agroforest.core.config import Pipeline, Watched
from agroforest.core.errors import ModelError
from agroforest.fire.outputs import UNTRAINED
from agroforest.risk import RULE, load_model, models_dir

_RULE_SETTING = "rule"
_WATER = "FAO-56"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Who turns residuals into probabilities tonight.

    Attributes
    ----------
    folder
        Of the model; ``None`` for the published rule.
    title
        As maps show it.
    identity
        Digest of everything that changes what it says.
    fallback
        Why the rule judges although the settings ask for a model; empty
        otherwise.
    """

    folder: Path | None
    title: str
    identity: str
    fallback: str = ""


def choose_judge(pipeline: Pipeline) -> Judge:
    """Choose the model of the settings, or the rule where it cannot run.

    Where canopy is not watched nobody judges it: the title is then that of whoever
    ranks the danger of fire, or keeps the water.

    A damaged or foreign model is refused, never used: the rule judges, and the
    reason is part of the report and of every map.
    """
    if not pipeline.watches(Watched.CANOPY):
        title = UNTRAINED if pipeline.watches(Watched.FIRE) else _WATER
        return Judge(folder=None, title=title, identity="nobody")
    settings = pipeline.risk
    if settings.model == _RULE_SETTING:
        return Judge(folder=None, title=RULE, identity=_RULE_SETTING)
    try:
        folder = models_dir() / settings.model
        model = load_model(folder)
    except ModelError as error:
        # Maps show it, so it names the model, not a folder of this machine.
        name = Path(settings.model).name
        reason = f"model {name}: {error.problem}; {error.remedy}"
        return Judge(folder=None, title=RULE, identity=_RULE_SETTING, fallback=reason)
    return Judge(folder=folder, title=model.card.title, identity=model.identity)

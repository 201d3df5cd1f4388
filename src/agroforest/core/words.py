"""What things are called on pages, in messages and in files, Chinese and English.

A hazard is named as a sign seen from space, never as a cause.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agroforest.core.account import Role
from agroforest.core.reading import Variable
from agroforest.core.review import Act, Reason, Sampling, Stage, Verdict
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


# A table a kind: words of different kinds may be spelt alike.
_REVIEW: Mapping[type[StrEnum], Mapping[StrEnum, tuple[str, str]]] = {
    Stage: {
        Stage.PRESCREEN: ("待初筛", "to pre-screen"),
        Stage.VERDICT: ("待研判", "to judge"),
        Stage.SUPERVISOR: ("待复核", "to approve"),
        Stage.DECIDED: ("已定性", "decided"),
        Stage.CLOSED: ("已结案", "closed"),
        Stage.MERGED: ("已并入", "merged"),
        Stage.SPLIT: ("已拆分", "split"),
    },
    Verdict: {
        Verdict.CONFIRMED: ("属实", "confirmed"),
        Verdict.DISMISSED: ("不属实", "dismissed"),
    },
    Reason: {
        Reason.CLOUD: ("云", "cloud"),
        Reason.HARVEST: ("采伐或收割", "harvest"),
        Reason.SHADOW: ("阴影", "shadow"),
        Reason.KNOWN_FIRE_PLACE: ("已知用火点", "known fire place"),
        Reason.DUPLICATE: ("重复", "duplicate"),
        Reason.OTHER: ("其他（须说明）", "other (say what)"),
        Reason.SEEN_IN_IMAGES: ("影像可见", "seen in images"),
        Reason.SEEN_IN_FIELD: ("现场所见", "seen in the field"),
        Reason.REPORTED: ("现场人员报告", "reported from the spot"),
    },
    Sampling: {
        Sampling.SUSPECT: ("疑似，待取样", "suspect, to be sampled"),
        Sampling.SAMPLED: ("已取样", "sampled"),
        Sampling.LABORATORY: ("检验有结果", "laboratory has answered"),
        Sampling.FELLED: ("疫木已伐除", "felled"),
        Sampling.STUMP_CHECKED: ("伐桩已检查", "stump checked"),
    },
    Act: {
        Act.OPEN: ("发现", "raised"),
        Act.SEE: ("卫星复查", "seen again"),
        Act.PASS: ("初筛通过", "passed on"),
        Act.CONFIRM: ("判为属实", "confirmed"),
        Act.DISMISS: ("判为不属实", "dismissed"),
        Act.APPROVE: ("复核同意", "approved"),
        Act.RETURN: ("复核退回", "returned"),
        Act.ASSIGN: ("指派", "assigned"),
        Act.ORDER_CHECK: ("派现场核查", "field check ordered"),
        Act.REPORT_CHECK: ("核查回报", "field check reported"),
        Act.SAMPLE: ("取样检验", "sampling"),
        Act.NOTE: ("备注", "note"),
        Act.MERGE: ("合并", "merged"),
        Act.UNMERGE: ("撤销合并", "merge undone"),
        Act.SPLIT: ("拆分", "split"),
        Act.UNSPLIT: ("撤销拆分", "split undone"),
        Act.CLOSE: ("结案", "closed"),
        Act.REOPEN: ("重启", "reopened"),
    },
    Role: {
        Role.VIEWER: ("查看", "viewer"),
        Role.FARMER: ("农户", "farmer"),
        Role.REVIEWER: ("研判员", "reviewer"),
        Role.SUPERVISOR: ("复核员", "supervisor"),
        Role.ADMIN: ("管理员", "administrator"),
    },
}


def review_words(word: StrEnum) -> tuple[str, str]:
    """Chinese and English name of a stage, verdict, reason, act, sampling or role."""
    return _REVIEW[type(word)][word]


#: Names and signs of units as people write them, of everything that sensors measure.
_VARIABLES: Mapping[Variable, tuple[tuple[str, str], str]] = {
    Variable.SOIL_MOISTURE: (("土壤水分", "soil moisture"), "m³/m³"),
    Variable.SOIL_TEMPERATURE: (("土壤温度", "soil temperature"), "°C"),
    Variable.SOIL_CONDUCTIVITY: (("土壤电导率", "soil conductivity"), "μS/cm"),
    Variable.AIR_TEMPERATURE: (("气温", "air temperature"), "°C"),
    Variable.RELATIVE_HUMIDITY: (("相对湿度", "relative humidity"), "%"),
    Variable.PRECIPITATION: (("降水", "rain"), "mm"),
    Variable.BATTERY: (("电池电压", "battery"), "V"),
    Variable.BATTERY_LEVEL: (("电池电量", "battery level"), "%"),
}


def variable_words(variable: Variable) -> tuple[tuple[str, str], str]:
    """Chinese and English name of what is measured, and its unit as people write it."""
    return _VARIABLES[variable]

"""``canopy-damage``: where a canopy was damaged between two yearly composites."""

from dataclasses import replace

from agroforest.risk.card import Answer, Learner, Limits, Purpose
from agroforest.risk.crops import Crops
from agroforest.risk.datasets.canopy_damage import (
    CHANNELS,
    FEATURES,
    PLACE_METRES,
    network_planes,
    read_scenes,
    tree_planes,
)
from agroforest.risk.datasets.plain_damage import PlainDamage
from agroforest.risk.probability_map import count_pixels, write_maps
from agroforest.risk.scene_trees import SceneTrees
from agroforest.risk.scenes import Scenes, SceneStudent
from agroforest.risk.task import Task
from agroforest.risk.train import Recipe

#: Name of the decision in the card.
DAMAGED = "canopy-damaged"

_ANSWER = Answer(head="probability", outputs=("damaged",))
_CROPS = Crops(side=48, noise=0.1, gain=0.2, forget=(0.08, 0.0))
_NETWORK = SceneStudent(
    spec=Learner(family="scene", width=24, blocks=2, kernel=3, share=0.6),
    answer=_ANSWER,
    recipe=Recipe(epochs=64, batch=10, rate=4e-3, decay=1e-2, average=0.99),
    crops=replace(_CROPS, side=72, made_up=PlainDamage(share=0.1)),
    sources=(CHANNELS, CHANNELS),
    features=network_planes,
    overlap=0.3,
    refining=Recipe(epochs=6, batch=24, rate=1e-3, decay=1e-2, average=0.9),
    refining_crops=_CROPS,
)
_TREES = SceneTrees(
    spec=Learner(family="trees", width=40, blocks=300, share=0.4),
    answer=_ANSWER,
    settings={
        "learning_rate": 0.05,
        "min_data_in_leaf": 200,
        "feature_fraction": 0.3,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 127,
    },
    features=tree_planes,
    rows=150_000,
    refining=(
        Learner(family="trees", width=4, blocks=20),
        {"min_data_in_leaf": 10},
    ),
)

TASK: Task[Scenes] = Task(
    name="canopy-damage",
    version="1.1.0",
    purpose=Purpose(
        zh="比较两年的同季合成影像，逐像元给出林冠受损（枯死或已清理）的概率，供实地核查；"
        "不能判定原因。",
        en="Compares composites of one season of two years and gives every pixel a "
        "probability that its canopy was damaged, dead or cleared, as a reason to go "
        "and look; it does not say why.",
    ),
    limits=Limits(
        zh=(
            "只用捷克云杉林的小蠹灾害标签训练（2019、2020 年 9 月）。",
            "受害枯死与受害后采伐未加区分；普通采伐也可能被判为受损。",
            "标签来自他人判读，边界有误差；像元地面尺寸约 6.5 米。",
            "不是诊断，必须实地核查；不得据此直接施药、采伐或处罚。",
            "从未在广西检验。",
        ),
        en=(
            "Learned from bark-beetle damage in Czech spruce alone, 2019 to 2020.",
            "Dead and cleared stands are one class; ordinary felling looks alike.",
            "Others drew the labels, coarsely at edges; pixels are 6.5 m wide.",
            "Not a diagnosis: no spraying, felling or fine without a field visit.",
            "Never tested in Guangxi.",
        ),
        never_tested=("Guangxi", "broadleaved forest", "eucalyptus", "other seasons"),
    ),
    answer=_ANSWER,
    features=FEATURES,
    steps=2,
    data="160 scenes of bark-beetle damage in Czechia, Sentinel-2 composites of "
    "September 2019 and 2020 (CrickCrock28/bark-bettle-damage-mapping-sentinel2)",
    split="by place: scenes whose centres chain together with steps under "
    f"{PLACE_METRES / 1000:g} km (EPSG:3857) are one place",
    read=read_scenes,
    students=(_NETWORK, _TREES),
    folds=5,
    measures=count_pixels,
    write=write_maps,
    threshold=DAMAGED,
    alone="scene",
)

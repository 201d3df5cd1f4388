"""The models' page: every card, with its figures and its limits."""

import shutil
from pathlib import Path

from tests.web.desks import open_desk
from tests.web.pages.work import PAYLOAD, open_work_desk

from agroforest.core.config import Pipeline, RiskSection
from agroforest.risk import models_dir, read_card
from agroforest.web.pages.models import read_cards


def test_every_shipped_card_is_shown(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        page = desk.visitor("rui", language="zh").get("/models").text
    names = [folder.name for folder in models_dir().iterdir() if folder.is_dir()]
    assert names
    for name in names:
        card = read_card(models_dir() / name)
        for said in (card.name, card.version, card.purpose.zh, card.limits.zh[0]):
            assert said in page
        for metric in card.metrics:
            assert f"<code>{metric.name}</code>" in page
    assert "仅用模拟数据训练" in page


def test_intervals_are_shown(tmp_path: Path) -> None:
    metric = next(
        m
        for m in read_card(models_dir() / "burned-area").metrics
        if m.low is not None and m.high is not None
    )
    with open_desk(tmp_path) as desk:
        page = desk.visitor("rui").get("/models").text
    assert f"{metric.low:.3g} … {metric.high:.3g}" in page


def test_models_of_ones_own_and_cards_that_cannot_be_read(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(models_dir() / "canopy-stress", mine)
    card = mine / "card.toml"
    with open_work_desk(tmp_path) as desk:
        pipeline: Pipeline = desk.site.bureau.pipelines["gaofeng"]
        own = pipeline.model_copy(update={"risk": RiskSection(model=str(mine))})
        desk.site.bureau.pipelines["gaofeng"] = own  # type: ignore[index]
        assert "mine" in dict(read_cards(desk.site))
        card.write_text(f"name = '''{PAYLOAD}'''", encoding="utf-8")
        answer = desk.visitor("rui").get("/models")
    assert answer.status_code == 200
    assert "The card cannot be read" in answer.text
    assert PAYLOAD not in answer.text

"""What the admin says in Chinese of states and sizes, on pages that renew themselves too, and what it stores."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from registry.admin import words
from registry.admin.workerpage import CAUSES
from registry.models import Event, Node, Worker
from registry.status import Phase, Status
from tests.registry import factories
from tests.registry.admin.test_live import successor

database = [pytest.mark.database, pytest.mark.django_db]
CHINESE = ["zh-hans", "zh-hant"]
SAID = (*words.KNOWN, *words.NOTES, *words.AGES, *map(str, CAUSES.values()))


@pytest.mark.parametrize("language", CHINESE)
def test_every_phrase_has_its_chinese(language: str) -> None:
    with translation.override(language):
        assert [text for text in SAID if translation.gettext(text) == text] == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("2/2 ready", "2/2 就绪"),
        ("1/2 ready, loading 40 %, 1 stopping", "1/2 就绪，加载中 40%，1 个停止中"),
        ("0/1 ready, failed 2 of 3 times, tries again", "0/1 就绪，失败 2/3 次，正在重试"),
        ("silent for 12 min", "12 分钟无响应"),
        ("left 2 days ago", "2 天前离开"),
        ("cache: 8 GiB for 16 requests of 4,096 tokens", "缓存：8 GiB，16 个请求，每个 4,096 个 token"),
        ("the cable was pulled", "the cable was pulled"),
    ],
)
def test_what_a_status_says_is_translated_and_else_kept(english: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert words.of(english) == chinese
    assert words.of(english) == english


def test_a_reason_stays_as_it_was_written() -> None:
    status = Status(Phase.FAILED, "failed", reason="the cable was pulled")
    assert words.of_status(status) == status.words
    with translation.override("zh-hant"):
        assert words.of_status(status) == "失敗：the cable was pulled"
        assert words.of_age(timedelta(minutes=3)) == "3 分鐘"


def chinese_page(client: Client, url: str) -> str:
    return client.get(url, headers={"Accept-Language": "zh-CN"}).content.decode()


class TestPages:
    """With rows."""

    pytestmark = database

    def test_a_part_comes_again_in_the_language_of_its_page(self, root: Client) -> None:
        made = factories.worker(factories.deployment(), factories.device(factories.node()), state="LOADING")
        page = chinese_page(root, reverse("admin:index"))
        assert "运行位置" in page
        Worker.objects.filter(pk=made.pk).update(progress=60)
        assert "加载中 60%" in chinese_page(root, successor(page, "overview"))

    def test_an_order_given_in_chinese_is_written_down_in_english(self, root: Client) -> None:
        made = factories.node()
        url = reverse("admin:registry_node_changelist")
        asked = {"action": "cordon_selected", "_selected_action": made.pk, "_form_submitted": "1"}
        answer = root.post(url, asked, headers={"Accept-Language": "zh-CN"}, follow=True)
        assert Node.objects.get(pk=made.pk).cordoned
        assert f"{made} 已停止调度。" in [str(message) for message in answer.context["messages"]]
        assert all(re.fullmatch(r"[\x00-\x7f]*", event.reason) for event in Event.objects.all())

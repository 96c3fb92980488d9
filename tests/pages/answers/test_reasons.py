"""What a person is told of an error, in their language."""

from __future__ import annotations

import pytest
from django.utils import translation

from inference.protocol.errors import ApiError, BadRequest, InternalServerError, TooManyRequests
from openai_api.errors import AnswerCutShort, NotReady, WaitedTooLong
from pages.answers.reasons import told

LOADING = "The model 'echo' is loading 40 %."
LONG = "This model's maximum context length is 20 tokens."
IMAGE = BadRequest("'messages[0].content[0].type' is 'image_url'.", param="messages[0].content[0].type")


def test_in_english_the_own_words_of_the_api_serve() -> None:
    assert told(NotReady(LOADING)) == LOADING


def test_a_model_that_cannot_see_says_so_without_the_names_of_fields() -> None:
    assert told(IMAGE).startswith("This model reads text only")
    with translation.override("zh-hans"):
        assert told(IMAGE).startswith("该模型只能读取文本")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NotReady(LOADING), f"模型现在无法回答。{LOADING}"),
        (WaitedTooLong("echo"), "模型太忙了，请稍后再问。"),
        (TooManyRequests("10 requests a minute."), "已达到限额。10 requests a minute."),
        (BadRequest(LONG, code="context_length_exceeded"), f"内容超出了模型的长度上限。{LONG}"),
        (AnswerCutShort(), "模型在回答途中停止了运行。请重新提问。"),
        (InternalServerError(), "服务器出错了。请重新提问；如果仍然出错，请联系管理员。"),
        (BadRequest("An odd {reason}."), "模型没有回答。An odd {reason}."),
    ],
)
def test_in_chinese_known_causes_are_said_and_others_have_a_frame(error: ApiError, sentence: str) -> None:
    with translation.override("zh-hans"):
        assert told(error) == sentence

"""Log probabilities in the formats of the answers."""

from __future__ import annotations

import math

from openai.types.chat.chat_completion import ChoiceLogprobs

from inference.engines.base import TokenLogprob
from inference.server.logprobs import ChatLogprobs, CompletionLogprobs, Scored, prompt_logprobs

# A character cut in two: bytes 3 and 4 are the halves of one. 9 stands for nothing.
VOCABULARY = {1: b"one", 2: b" two", 3: "é".encode()[:1], 4: "é".encode()[1:], 5: b"one", 9: b""}


def scored(token_id: int, logprob: float, *top: tuple[int, float]) -> Scored:
    return token_id, TokenLogprob(token_id, logprob, top)


def test_a_chat_has_the_bytes_of_tokens_that_are_parts_of_a_character() -> None:
    content = ChatLogprobs(VOCABULARY.__getitem__, 0).render([scored(3, -1.0), scored(9, -2.0)])["content"]
    assert content[0] == {"token": "\ufffd", "logprob": -1.0, "bytes": [0xC3], "top_logprobs": []}
    assert content[1] == {"token": "", "logprob": -2.0, "bytes": None, "top_logprobs": []}


def test_a_chats_log_probabilities_are_what_the_official_client_expects() -> None:
    rendered = ChatLogprobs(VOCABULARY.__getitem__, 2).render([scored(4, -1.0, (9, -0.5), (4, -1.0)), scored(9, -2.0)])
    assert ChoiceLogprobs.model_validate(rendered, strict=True).model_dump() == rendered


def test_a_chat_shows_as_many_of_the_likeliest_as_were_asked_for() -> None:
    tokens = [scored(1, -3.0, (2, -0.1), (1, -3.0), (3, -4.0))]
    (entry,) = ChatLogprobs(VOCABULARY.__getitem__, 2).render(tokens)["content"]
    assert [(top["token"], top["logprob"]) for top in entry["top_logprobs"]] == [(" two", -0.1), ("one", -3.0)]


def test_a_completion_has_four_lists_with_an_item_a_token() -> None:
    rendered = CompletionLogprobs(VOCABULARY.__getitem__, 1).render([(1, None), scored(2, -0.5, (2, -0.5))])
    assert rendered == {
        "tokens": ["one", " two"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {" two": -0.5}],
        "text_offset": [0, 3],
    }


def test_the_token_itself_is_shown_besides_the_likeliest() -> None:
    rendering = CompletionLogprobs(VOCABULARY.__getitem__, 1)
    assert rendering.render([scored(1, -3.0, (2, -0.1))])["top_logprobs"] == [{" two": -0.1, "one": -3.0}]


def test_of_two_tokens_that_read_the_same_the_likelier_one_is_shown() -> None:
    rendering = CompletionLogprobs(VOCABULARY.__getitem__, 2)
    assert rendering.render([scored(5, -3.0, (1, -0.1), (2, -1.0))])["top_logprobs"] == [{"one": -0.1, " two": -1.0}]


def test_offsets_go_on_from_step_to_step_and_count_characters() -> None:
    rendering = CompletionLogprobs(VOCABULARY.__getitem__, 0)
    steps = [rendering.render([scored(token_id, -1.0)])["text_offset"][0] for token_id in (1, 3, 4, 9, 2)]
    # Both halves of the character are at its place; what follows is one further, not two.
    assert steps == [0, 3, 3, 4, 4]


def test_what_a_tokenizer_puts_before_a_prompt_takes_no_place_in_its_text() -> None:
    rendering = CompletionLogprobs(VOCABULARY.__getitem__, 0)
    # The text "one" became " two" and "one": as if a name of four letters had been put before it.
    rendering.follow([2, 1], "one")
    assert rendering.render([scored(token_id, -1.0) for token_id in (2, 1, 2)])["text_offset"] == [0, 0, 3]


def test_what_is_impossible_is_a_number_that_json_has() -> None:
    assert ChatLogprobs(VOCABULARY.__getitem__, 0).render([scored(1, -math.inf)])["content"][0]["logprob"] == -9999.0


def test_a_prompts_tokens_are_listed_by_their_ids_with_ranks() -> None:
    known = TokenLogprob(5, -3.0, ((1, -0.1), (2, -1.0)))
    assert prompt_logprobs([None, known], VOCABULARY.__getitem__, tops=1) == [
        None,
        {
            "1": {"logprob": -0.1, "rank": 1, "decoded_token": "one"},
            "5": {"logprob": -3.0, "rank": None, "decoded_token": "one"},
        },
    ]

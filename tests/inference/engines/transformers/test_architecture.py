"""What a configuration says about a model."""

from __future__ import annotations

from typing import Any

import pytest

from inference.engines.transformers.architecture import Kind, check_known, chosen_context, context_length_of, kind_of
from inference.errors import LoadError

KNOWN = {"llama", "bert"}
CUSTOM = {"model_type": "mine", "auto_map": {"AutoModel": "code.Mine"}}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("LlamaForCausalLM", Kind.GENERATIVE),
        ("GPT2LMHeadModel", Kind.GENERATIVE),
        ("BertModel", Kind.ENCODER),
        ("XLMRobertaForMaskedLM", Kind.ENCODER),
    ],
)
def test_the_architecture_tells_what_a_model_is_for(name: str, kind: Kind) -> None:
    assert kind_of({"architectures": [name]}, embeds=False) is kind


def test_sentence_transformers_files_make_any_model_an_encoder() -> None:
    assert kind_of({"architectures": ["Qwen3ForCausalLM"]}, embeds=True) is Kind.ENCODER


@pytest.mark.parametrize(
    "config",
    [{"architectures": ["BertForSequenceClassification"]}, {"architectures": ["T5Model"], "is_encoder_decoder": True}],
)
def test_what_this_engine_cannot_serve_is_named(config: dict[str, Any]) -> None:
    with pytest.raises(LoadError, match=r"(BertForSequenceClassification|T5Model).* serves decoder models"):
        kind_of(config, embeds=False)


def test_an_architecture_nobody_knows_is_refused() -> None:
    with pytest.raises(LoadError, match="architecture 'hal9000' is not known"):
        check_known({"model_type": "hal9000"}, KNOWN, trust_remote_code=True)
    with pytest.raises(LoadError, match="no 'model_type'"):
        check_known({}, KNOWN, trust_remote_code=False)


def test_code_in_the_models_folder_runs_only_when_it_is_trusted() -> None:
    check_known(CUSTOM, KNOWN, trust_remote_code=True)
    with pytest.raises(LoadError, match="set the option 'trust_remote_code' to true"):
        check_known(CUSTOM, KNOWN, trust_remote_code=False)


@pytest.mark.parametrize(
    ("config", "length"),
    [
        ({"max_position_embeddings": 8192}, 8192),
        ({"n_positions": 1024}, 1024),
        ({"max_position_embeddings": 514, "model_type": "roberta"}, 512),
        ({"hidden_size": 64}, 4096),
    ],
)
def test_the_context_is_what_the_configuration_says(config: dict[str, Any], length: int) -> None:
    assert context_length_of(config) == length


def test_a_context_can_be_made_shorter_but_not_longer() -> None:
    assert chosen_context(8192, None) == 8192
    assert chosen_context(8192, 100) == 100
    with pytest.raises(LoadError, match=r"'context_length' is 9000, but the model's context holds 8192"):
        chosen_context(8192, 9000)

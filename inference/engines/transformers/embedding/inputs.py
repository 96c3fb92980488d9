"""What a request sends, as token ids that the model takes."""

from __future__ import annotations

from collections.abc import Sequence

from inference.engines.transformers.admission import check_input
from inference.engines.transformers.prompts import PromptEncoder
from inference.engines.transformers.recipe import EmbeddingRecipe


class InputEncoder:
    """Texts as the recipe wants them. Token ids are taken as they are, since their sender made them."""

    def __init__(self, encoder: PromptEncoder, recipe: EmbeddingRecipe, *, longest: int, vocabulary: int) -> None:
        self._encoder = encoder
        self._recipe = recipe
        self._longest = longest
        self._vocabulary = vocabulary
        # Switches off what the files say of cutting and padding. It must not happen while another thread encodes.
        encoder.texts(["a"])

    def __call__(self, prompts: Sequence[str | tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The tokens of each. Raises `InvalidRequest` when one is too long, or has tokens that do not exist."""
        texts = [self._prepared(prompt) for prompt in prompts if isinstance(prompt, str)]
        encoded = iter(self._encoder.texts(texts))
        inputs = [next(encoded) if isinstance(prompt, str) else prompt for prompt in prompts]
        for token_ids in inputs:
            check_input(token_ids, self._longest, self._vocabulary)
        return inputs

    def _prepared(self, text: str) -> str:
        text = self._recipe.prefix + text
        return text.lower() if self._recipe.lower_case else text

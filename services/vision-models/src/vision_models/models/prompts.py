"""What is said to a captioner, and how much of it fits."""

from typing import Any

from facetkit.errors import InvalidInput

MAX_PROMPT_TOKENS = 1024
"""The most of a caller's text that a model with room for thousands is given."""

DESCRIBE_ONE = "Describe this image in one sentence."
DESCRIBE_SEVERAL = "Describe in one or two sentences what these images show together."
"""The chat models' instructions where the caller has none."""

YES_OR_NO = "Answer yes or no."


class PromptCheck:
    """Whether a caller's text may be put before a model; keeps no tokenizer alive."""

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        added = tokenizer.added_tokens_decoder.items()
        # Where a model has no token for what it does not know, it shares one with its text.
        self._reserved = {number for number, token in added if token.special}
        self._reserved -= {tokenizer.unk_token_id}
        self._max_tokens = max_tokens

    def __call__(self, tokenizer: Any, text: str, field: str = "caption_prompt") -> None:
        """Raises InvalidInput for a text that is too long or holds the model's control tokens."""
        tokens = tokenizer(text, add_special_tokens=False, verbose=False).input_ids
        if len(tokens) > self._max_tokens:
            wrong = f"has {len(tokens)} tokens; the model takes at most {self._max_tokens}"
            raise InvalidInput(f"{field} {wrong}", fields={field: wrong})
        reserved = self._reserved.intersection(tokens)
        if reserved:
            wrong = f"holds {tokenizer.decode([min(reserved)])}, which is reserved by the model"
            raise InvalidInput(f"{field} {wrong}", fields={field: wrong})


def instruction(prompt: str, images: int) -> str:
    """The caller's prompt, or our own for one or several images."""
    if prompt.strip():
        return prompt
    return DESCRIBE_ONE if images == 1 else DESCRIBE_SEVERAL

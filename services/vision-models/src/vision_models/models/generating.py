"""Greedy decoding of a batch, ended early for those that nobody waits for any more."""

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from facetkit.errors import NotReady
from vision_models.domain import Pixels, Prompted
from vision_models.models.device import Placement

WARM_UP_SIDE = 32
WARM_UP_TOKENS = 2
REPLACEMENT_CHARACTER = "\ufffd"
"""What decoders put where tokens are not UTF-8 together."""


class Abandonment(StoppingCriteria):
    """Ends an element as soon as it is abandoned, and with the last one the batch."""

    def __init__(self, batch: Sequence[Prompted]) -> None:
        self._waiting = [element.abandoned for element in batch]

    def __call__(
        self, input_ids: torch.Tensor, scores: tuple[torch.Tensor] | None, **options: Any
    ) -> torch.BoolTensor:
        """True per element that is abandoned."""
        ended: Any = torch.tensor([event.is_set() for event in self._waiting])
        result: torch.BoolTensor = ended.to(input_ids.device)
        return result


class Generator:
    """A model with its processor on their device, until `unload`."""

    def __init__(self, model: Any, processor: Any, placement: Placement) -> None:
        self._model = model
        self._processor = processor
        self._placement = placement

    @property
    def processor(self) -> Any:
        """Raises NotReady after `unload`."""
        if self._processor is None:
            raise NotReady("the model has been unloaded")
        return self._processor

    def generate(
        self, batch: Sequence[Prompted], *, skip: int, max_new_tokens: int | None = None
    ) -> list[str]:
        """One text per element, without its first `skip` tokens."""
        tokenizer = self.processor.tokenizer
        if all(element.abandoned.is_set() for element in batch):
            return [""] * len(batch)
        inputs = self._joined(batch)
        limit = {} if max_new_tokens is None else {"max_new_tokens": max_new_tokens}
        stop = StoppingCriteriaList([Abandonment(batch)])
        with torch.inference_mode():
            tokens = self._model.generate(**inputs, stopping_criteria=stop, **limit)
        texts = tokenizer.batch_decode(tokens[:, skip:].cpu(), skip_special_tokens=True)
        return [tidy(text) for text in texts]

    def next_scores(self, batch: Sequence[Prompted]) -> torch.Tensor:
        """The scores of the token after the prompt: elements × vocabulary, float32, on the CPU."""
        if self._model is None:
            raise NotReady("the model has been unloaded")
        with torch.inference_mode():
            result = self._model(**self._joined(batch), logits_to_keep=1, use_cache=False)
        scores: torch.Tensor = result.logits[:, -1].float().cpu()
        return scores

    def warm_up(
        self,
        prepare: Callable[[Sequence[Pixels], str], Prompted],
        skip: Callable[[Sequence[Prompted]], int],
    ) -> None:
        """One small picture end to end."""
        batch = [prepare([np.zeros((WARM_UP_SIDE, WARM_UP_SIDE, 3), np.uint8)], "")]
        self.generate(batch, skip=skip(batch), max_new_tokens=WARM_UP_TOKENS)

    def unload(self) -> None:
        """Lets go of the model and of the memory that it took."""
        self._model = self._processor = None
        gc.collect()
        if self._placement.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _joined(self, batch: Sequence[Prompted]) -> dict[str, torch.Tensor]:
        device, dtype = self._placement.device, self._placement.dtype
        joined = {
            name: torch.cat([element.inputs[name] for element in batch]) for name in batch[0].inputs
        }
        return {
            name: tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)
            for name, tensor in joined.items()
        }


def decode_greedily(decoder: Any, tokenizer: Any, eos: Any, max_new_tokens: int) -> None:
    """Replaces what the checkpoint says of sampling, beams and lengths."""
    pad = tokenizer.pad_token_id
    config: Any = GenerationConfig
    decoder.generation_config = config(
        do_sample=False,
        num_beams=1,
        max_new_tokens=max_new_tokens,
        eos_token_id=eos,
        pad_token_id=pad if pad is not None else tokenizer.eos_token_id,
    )


def prompted(inputs: Mapping[str, torch.Tensor]) -> Prompted:
    """An element of a batch; equal shapes are joined along the first dimension."""
    shape = tuple(sorted((name, tuple(tensor.shape)) for name, tensor in inputs.items()))
    return Prompted(dict(inputs), shape)


def tidy(text: str) -> str:
    """The text on one line, without what could not be decoded."""
    return " ".join(text.replace(REPLACEMENT_CHARACTER, "").split())

"""A ChatCaptioner over those chat models of transformers that see."""

from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from vision_models.domain import ModelInfo, Pixels, Prompted
from vision_models.models.generating import Generator, prompted
from vision_models.models.prompts import MAX_PROMPT_TOKENS, YES_OR_NO, PromptCheck, instruction
from vision_models.models.yes_no import YesNo

ImageOptions = Callable[[int], dict[str, Any]]
"""What the image processor is told for that many images."""


class ChatVlm:
    """Images before the text, by the model's own chat template."""

    def __init__(
        self, generator: Generator, info: ModelInfo, min_side: int, image_options: ImageOptions
    ) -> None:
        self._generator = generator
        self.info = info
        self.min_side = min_side
        self._image_options = image_options
        tokenizer = generator.processor.tokenizer
        self._check = PromptCheck(tokenizer, MAX_PROMPT_TOKENS)
        self._yes_no = YesNo(tokenizer)

    def prepare(self, images: Sequence[Pixels], prompt: str) -> Prompted:
        """One or several images of height × width × 3 with an instruction; "" for our own.

        Raises InvalidInput for a prompt over MAX_PROMPT_TOKENS, NotReady after `unload`.
        """
        processor = self._generator.processor
        self._check(processor.tokenizer, prompt)
        return self._prompted(processor, images, instruction(prompt, len(images)))

    def prepare_question(self, images: Sequence[Pixels], question: str) -> Prompted:
        """As `prepare`, for a question that `affirm` answers."""
        processor = self._generator.processor
        self._check(processor.tokenizer, question, "flag_caption_prompt")
        return self._prompted(processor, images, f"{question} {YES_OR_NO}")

    def caption(self, batch: Sequence[Prompted]) -> list[str]:
        """One caption per element, without the prompt."""
        return self._generator.generate(batch, skip=_length(batch))

    def affirm(self, batch: Sequence[Prompted]) -> list[float]:
        """The probability of yes against no per element, from one forward pass."""
        return self._yes_no.probability(self._generator.next_scores(batch))

    def warm_up(self) -> None:
        """One small picture, two tokens."""
        self._generator.warm_up(self.prepare, _length)

    def unload(self) -> None:
        """Lets go of model and processor; afterwards everything else raises NotReady."""
        self._generator.unload()

    def _prompted(self, processor: Any, images: Sequence[Pixels], text: str) -> Prompted:
        content: list[dict[str, str]] = [{"type": "image"} for _ in images]
        content.append({"type": "text", "text": text})
        turn = {"role": "user", "content": content}
        inputs = processor(
            # As PIL images: an array of 1 or 3 rows would be taken for one with channels first.
            images=[Image.fromarray(image) for image in images],
            text=processor.apply_chat_template([turn], add_generation_prompt=True),
            text_kwargs={"add_special_tokens": False},
            images_kwargs=self._image_options(len(images)),
            return_tensors="pt",
        )
        return prompted(inputs)


def _length(batch: Sequence[Prompted]) -> int:
    tokens: int = batch[0].inputs["input_ids"].shape[1]
    return tokens

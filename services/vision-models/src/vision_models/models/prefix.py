"""A Captioner over transformers' BLIPs, which go on from the caller's prefix."""

from collections.abc import Sequence

from PIL import Image

from vision_models.domain import ModelInfo, Pixels, Prompted
from vision_models.models.generating import Generator, prompted
from vision_models.models.prompts import PromptCheck


class PrefixCaptioner:
    """One image with a prefix, which is part of the caption where `keeps_prefix`."""

    def __init__(
        self,
        generator: Generator,
        info: ModelInfo,
        min_side: int,
        max_prompt_tokens: int,
        *,
        keeps_prefix: bool,
    ) -> None:
        self._generator = generator
        self.info = info
        self.min_side = min_side
        self._check = PromptCheck(generator.processor.tokenizer, max_prompt_tokens)
        self._keeps_prefix = keeps_prefix

    def prepare(self, images: Sequence[Pixels], prompt: str) -> Prompted:
        """One image of height × width × 3 with a prefix; "" for none.

        Raises InvalidInput for a prefix over max_prompt_tokens, NotReady after `unload`.
        """
        processor = self._generator.processor
        # A space at its end would be a token of its own, which no caption follows.
        prefix = prompt.strip()
        self._check(processor.tokenizer, prefix)
        [image] = images
        # As a PIL image: an array of 1 or 3 rows would be taken for one with channels first.
        inputs = processor(images=Image.fromarray(image), text=prefix, return_tensors="pt")
        return prompted(inputs)

    def caption(self, batch: Sequence[Prompted]) -> list[str]:
        """One caption per element."""
        return self._generator.generate(batch, skip=self._skipped(batch))

    def warm_up(self) -> None:
        """One small picture, two tokens."""
        self._generator.warm_up(self.prepare, self._skipped)

    def unload(self) -> None:
        """Lets go of model and processor; afterwards everything else raises NotReady."""
        self._generator.unload()

    def _skipped(self, batch: Sequence[Prompted]) -> int:
        # A kept prefix still has the token that starts it.
        length: int = batch[0].inputs["input_ids"].shape[1]
        return 1 if self._keeps_prefix else length

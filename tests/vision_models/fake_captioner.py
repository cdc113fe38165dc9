"""Captioners without a network or torch, and ways to watch and hold them."""

import hashlib
import threading
from collections.abc import Sequence

from facetkit.errors import InvalidInput, NotReady
from vision_models.domain import ModelInfo, Pixels, Prompted

WORDS = ("ring", "necklace", "bracelet", "pearl", "stone", "flower", "hand", "river")


class FakeCaptioner:
    """Captions from content hashes; passes the same contract suite as the real captioners."""

    def __init__(self, name: str = "fake", max_prompt_words: int = 40) -> None:
        self.info = ModelInfo(name, "1", "fake", 0)
        self.min_side = 16
        self.max_prompt_words = max_prompt_words
        self.batches: list[int] = []
        self.unloaded = False
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def prepare(self, images: Sequence[Pixels], prompt: str) -> Prompted:
        """The hash of the pictures and the prompt; shapes are those of both."""
        self._check(prompt, "caption_prompt")
        return self._prompted(images, prompt)

    def caption(self, batch: Sequence[Prompted]) -> list[str]:
        """Waits for the gate, then says two words per element, fewer where it is abandoned."""
        self._enter(batch)
        return [self._said(element) for element in batch]

    def warm_up(self) -> None:
        """Nothing to warm."""
        self._loaded()

    def unload(self) -> None:
        """Afterwards everything raises NotReady."""
        self.unloaded = True

    def _enter(self, batch: Sequence[Prompted]) -> None:
        self._loaded()
        self.batches.append(len(batch))
        self.entered.set()
        self.gate.wait(30)

    def _prompted(self, images: Sequence[Pixels], text: str) -> Prompted:
        content = b"".join(image.tobytes() for image in images) + text.encode()
        shape = (*(image.shape for image in images), len(text.split()))
        return Prompted(hashlib.sha256(content).digest(), shape)

    def _said(self, element: Prompted) -> str:
        if element.abandoned.is_set():
            return "a"
        first, second = (WORDS[byte % len(WORDS)] for byte in element.inputs[:2])
        return f"a picture of {first} and {second} {element.inputs[2]}"

    def _check(self, text: str, field: str) -> None:
        self._loaded()
        if len(text.split()) > self.max_prompt_words:
            wrong = f"takes at most {self.max_prompt_words} tokens"
            raise InvalidInput(f"{field} {wrong}", fields={field: wrong})

    def _loaded(self) -> None:
        if self.unloaded:
            raise NotReady("the model has been unloaded")


class FakeChatCaptioner(FakeCaptioner):
    """Also takes several pictures and answers questions."""

    def prepare_question(self, images: Sequence[Pixels], question: str) -> Prompted:
        """As `prepare`."""
        self._check(question, "flag_caption_prompt")
        return self._prompted(images, f"{question}?")

    def affirm(self, batch: Sequence[Prompted]) -> list[float]:
        """Waits for the gate, then answers from the hash, 0 to 1."""
        self._enter(batch)
        return [element.inputs[0] / 255 for element in batch]

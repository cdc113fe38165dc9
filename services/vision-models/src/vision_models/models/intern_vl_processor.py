"""InternVL's processor, also where torchvision is absent."""

from typing import Any

from transformers import InternVLProcessor
from transformers.utils.import_utils import is_torchvision_available


class StillsProcessor(InternVLProcessor):
    """An InternVLProcessor for pictures alone.

    The library's own asks for a video processor, which exists only with torchvision, and takes
    its parts from the names in its signature: one that names no video needs none.
    """

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        image_seq_length: int = 256,
        chat_template: str | None = None,
    ) -> None:
        super().__init__(
            image_processor,
            tokenizer,
            video_processor=None,
            image_seq_length=image_seq_length,
            chat_template=chat_template,
        )


def load(folder: str) -> Any:
    """The processor of the model in `folder`; touches no network."""
    cls: Any = InternVLProcessor if is_torchvision_available() else StillsProcessor
    return cls.from_pretrained(folder, local_files_only=True)

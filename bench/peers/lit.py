"""A LitServe server over sentence-transformers: batches of 16, gathered for up to 10 ms.

Arguments: folder of the model, port. Runs in the peers' environment, not in the mesh's.
"""

import base64
import io
import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
from PIL import Image
from sentence_transformers import SentenceTransformer


class Clip(litserve.LitAPI):  # type: ignore[misc]
    """`POST /embeddings` with the data URL of one image."""

    def __init__(self, folder: str, **options: Any) -> None:
        super().__init__(**options)
        self._folder = folder

    def setup(self, device: str) -> None:
        """Loads the model in the worker's process."""
        self._model = SentenceTransformer(self._folder, device=device)

    def decode_request(self, request: dict[str, Any]) -> Image.Image:
        """The one image of a request."""
        content = base64.b64decode(request["input"][0].partition(",")[2])
        return Image.open(io.BytesIO(content))

    def predict(self, images: list[Image.Image]) -> Any:
        """One unit vector per image of a batch."""
        return self._model.encode(
            images, batch_size=16, normalize_embeddings=True, show_progress_bar=False
        )

    def encode_response(self, output: Any) -> dict[str, Any]:
        """The answer to one request."""
        return {"data": [{"embedding": output.tolist()}]}


if __name__ == "__main__":
    folder, port = sys.argv[1:]
    api = Clip(folder, max_batch_size=16, batch_timeout=0.01, api_path="/embeddings")
    server = litserve.LitServer(api, accelerator="cpu", timeout=120)
    server.run(host="127.0.0.1", port=int(port), log_level="warning", generate_client_file=False)

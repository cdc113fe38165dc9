"""The server that one writes first: FastAPI, one sentence-transformers call a request, no batching.

Arguments: folder of the model, port. Runs in the peers' environment, not in the mesh's.
"""

import base64
import io
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from PIL import Image
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer


class Body(BaseModel):
    """As OpenAI's embeddings: data URLs of images."""

    input: list[str]


def make_app(model: SentenceTransformer) -> FastAPI:
    """`POST /embeddings` and `GET /health`."""
    app = FastAPI()

    @app.get("/health")
    def health() -> dict[str, bool]:
        return {"ready": True}

    @app.post("/embeddings")
    def embeddings(body: Body) -> dict[str, Any]:
        contents = [base64.b64decode(url.partition(",")[2]) for url in body.input]
        images = [Image.open(io.BytesIO(content)) for content in contents]
        vectors = model.encode(images, normalize_embeddings=True, show_progress_bar=False)
        return {"data": [{"embedding": vector.tolist()} for vector in vectors]}

    return app


if __name__ == "__main__":
    folder, port = sys.argv[1:]
    app = make_app(SentenceTransformer(folder, device="cpu"))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")

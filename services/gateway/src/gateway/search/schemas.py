"""Answers of the search routes."""

from datetime import datetime

from pydantic import BaseModel, Field

from gateway.documented_example import EXAMPLE_KEY
from gateway.object_urls import ObjectUrls
from gateway.search.domain import Hit, Page, Stored


class ImageAnswer(BaseModel):
    """A stored image."""

    id: str = Field(description="SHA-256 of the bytes, in hex")
    key: str = Field(description="Object key", examples=[EXAMPLE_KEY])
    url: str = Field(description="Where the image can be read")
    duplicate: bool = Field(description="Whether the same bytes were stored before")
    width: int = Field(description="In pixels, after EXIF rotation")
    height: int = Field(description="In pixels, after EXIF rotation")
    content_type: str = Field(examples=["image/jpeg"])
    bytes: int = Field(description="Size of the encoded image")
    created_at: datetime
    model: str = Field(description="The embedding model", examples=["clip-ViT-B-32"])
    model_set: str = Field(description="`demo`, `demo-random` or `full`")

    @classmethod
    def of(cls, stored: Stored, urls: ObjectUrls) -> "ImageAnswer":
        """`stored` as the route answers it."""
        image = stored.image
        return cls(
            id=image.id,
            key=image.key,
            url=urls.url(image.key),
            duplicate=stored.duplicate,
            width=image.width,
            height=image.height,
            content_type=image.content_type,
            bytes=image.size_bytes,
            created_at=image.created_at,
            model=stored.model,
            model_set=stored.model_set,
        )


class HitAnswer(BaseModel):
    """One found image."""

    id: str
    key: str
    url: str
    score: float = Field(description="Cosine similarity, -1 to 1")
    distance: float = Field(description="1 - score")

    @classmethod
    def of(cls, hit: Hit, urls: ObjectUrls) -> "HitAnswer":
        """`hit` as the route answers it."""
        key = hit.image.key
        return cls(
            id=hit.image.id,
            key=key,
            url=urls.url(key),
            score=hit.score,
            distance=1 - hit.score,
        )


class SearchAnswer(BaseModel):
    """Found images, best first."""

    results: list[HitAnswer]
    total: int = Field(description="How many stored images satisfy the filters")
    model: str
    model_set: str

    @classmethod
    def of(cls, page: Page, urls: ObjectUrls) -> "SearchAnswer":
        """`page` as the route answers it."""
        return cls(
            results=[HitAnswer.of(hit, urls) for hit in page.hits],
            total=page.total,
            model=page.model,
            model_set=page.model_set,
        )


class StatisticsAnswer(BaseModel):
    """Counts and identity of the index."""

    images: int = Field(description="Images in the vector store")
    matrix_images: int = Field(
        description="Images in the matrix that answers searches; 0 where the store answers itself"
    )
    collection: str
    model: str
    model_version: str
    model_set: str
    dimensions: int
    index: str = Field(description="What answers searches: `matrix` or `store`")

"""Answers of the search routes."""

from datetime import datetime

from pydantic import BaseModel, Field

from gateway.documented_example import EXAMPLE_KEY
from gateway.object_urls import ObjectUrls
from gateway.search.domain import Hit, Page, Similar, Stored, Tier


class SimilarAnswer(BaseModel):
    """A stored image that shows the same as another."""

    id: str
    key: str
    url: str
    tier: Tier = Field(
        description="`bytes`: the same bytes under another key; `picture`: the same pixels, or"
        " nearly; `near`: cropped or retouched"
    )
    score: float = Field(description="Cosine similarity, -1 to 1")
    same_pixels: bool = Field(description="Whether the pixels are the same once upright")

    @classmethod
    def of(cls, similar: Similar, urls: ObjectUrls) -> "SimilarAnswer":
        """`similar` as routes answer it."""
        return cls(
            id=similar.image.id,
            key=similar.image.key,
            url=urls.url(similar.image.key),
            tier=similar.tier,
            score=similar.score,
            same_pixels=similar.same_pixels,
        )


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
    similar: list[SimilarAnswer] = Field(
        description="Other stored images that show the same, most alike first"
    )
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
            similar=[SimilarAnswer.of(similar, urls) for similar in stored.similar],
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
    keys: int = Field(description="Object keys that lead to those images")
    broken_keys: int = Field(description="Object keys whose content could not be indexed")
    building: str | None = Field(
        description="The collection that is being built for another model; null where none is"
    )
    built: int = Field(description="Images in the collection that is being built")

"""Answers of GET /api/duplicates."""

from pydantic import BaseModel, Field

from gateway.documented_example import EXAMPLE_KEY
from gateway.object_urls import ObjectUrls
from gateway.search.domain import DuplicateGroup, Duplicates, Similar, StoredImage
from gateway.search.schemas import SimilarAnswer


class RepresentativeAnswer(BaseModel):
    """The image of a group with the most pixels; of several, the oldest."""

    id: str = Field(description="SHA-256 of the bytes, in hex")
    key: str = Field(description="Object key", examples=[EXAMPLE_KEY])
    url: str = Field(description="Where the image can be read")
    width: int = Field(description="In pixels, after EXIF rotation")
    height: int = Field(description="In pixels, after EXIF rotation")
    bytes: int = Field(description="Size of the encoded image")

    @classmethod
    def of(cls, image: StoredImage, urls: ObjectUrls) -> "RepresentativeAnswer":
        """`image` as the route answers it."""
        return cls(
            id=image.id,
            key=image.key,
            url=urls.url(image.key),
            width=image.width,
            height=image.height,
            bytes=image.size_bytes,
        )


class MemberAnswer(SimilarAnswer):
    """An image that shows the same as the representative."""

    width: int = Field(description="In pixels, after EXIF rotation")
    height: int = Field(description="In pixels, after EXIF rotation")
    bytes: int = Field(description="Size of the encoded image")

    @classmethod
    def of(cls, similar: Similar, urls: ObjectUrls) -> "MemberAnswer":
        """`similar` as the route answers it."""
        image = similar.image
        return cls(
            **SimilarAnswer.of(similar, urls).model_dump(),
            width=image.width,
            height=image.height,
            bytes=image.size_bytes,
        )


class GroupAnswer(BaseModel):
    """Images that show the same; an image is in one group at most."""

    representative: RepresentativeAnswer
    members: list[MemberAnswer] = Field(description="Most alike first")

    @classmethod
    def of(cls, group: DuplicateGroup, urls: ObjectUrls) -> "GroupAnswer":
        """`group` as the route answers it."""
        return cls(
            representative=RepresentativeAnswer.of(group.representative, urls),
            members=[MemberAnswer.of(member, urls) for member in group.members],
        )


class DuplicatesAnswer(BaseModel):
    """Groups, those with the largest representatives first."""

    groups: list[GroupAnswer]
    total: int = Field(description="How many groups there are")

    @classmethod
    def of(cls, duplicates: Duplicates, urls: ObjectUrls) -> "DuplicatesAnswer":
        """`duplicates` as the route answers them."""
        groups = [GroupAnswer.of(group, urls) for group in duplicates.groups]
        return cls(groups=groups, total=duplicates.total)

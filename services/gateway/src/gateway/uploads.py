"""One uploaded image: found in the form, and checked by its first bytes."""

from fastapi import Request

from facetkit.errors import InvalidInput, TooLarge, UnsupportedMedia
from facetkit.images import sniff
from gateway.field_errors import blaming
from gateway.forms import Form, FormReader
from gateway.multipart import File


class Uploads:
    """Reads images from forms."""

    def __init__(self, forms: FormReader) -> None:
        self._forms = forms

    async def image(self, request: Request, field: str) -> bytes:
        """The image that the form holds in `field`.

        Raises InvalidInput (missing, empty, several), TooLarge and UnsupportedMedia.
        """
        return required_image(await self._forms.read(request), field)


def required_image(form: Form, field: str) -> bytes:
    """As Uploads.image, from a form that is read already."""
    content = form.file(field)
    if content is None:
        reason = "must be sent as a file" if field in form.texts else "is required"
        raise InvalidInput(f"'{field}' {reason}", fields={field: reason})
    return checked_image(content, field)


def checked_file(file: File, field: str) -> bytes:
    """The file's content. Raises TooLarge, and as `checked_image`."""
    if file.fault:
        raise TooLarge(f"the image {file.fault}", fields={field: file.fault})
    return checked_image(file.content, field)


def checked_image(content: bytes, field: str) -> bytes:
    """`content` itself. Raises InvalidInput when it is empty, UnsupportedMedia when no image."""
    if not content:
        raise InvalidInput(f"'{field}' is empty", fields={field: "is empty"})
    with blaming(field, InvalidInput, UnsupportedMedia):
        sniff(content)
    return content

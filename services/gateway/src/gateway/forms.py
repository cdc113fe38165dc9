"""Forms in memory: what multipart and urlencoded bodies hold, within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.multipart import parse_options_header

from facetkit.errors import InvalidInput, TooLarge, UnsupportedMedia
from gateway.multipart import MAX_FIELDS, MAX_FILES, MAX_TEXT_BYTES, File, MultipartReader

MULTIPART = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """Texts and files by field name, each in the order they came."""

    texts: Mapping[str, list[str]]
    files: Mapping[str, list[File]]

    def file(self, field: str) -> bytes | None:
        """The one file of `field`, or None. Raises InvalidInput for several."""
        found = self.files.get(field, [])
        if len(found) > 1:
            raise InvalidInput(f"'{field}' must be one file", fields={field: "must be one file"})
        return found[0].content if found else None

    def single_texts(self) -> dict[str, str]:
        """Each field's one text; blank ones are left out, as an untouched input of a page is.

        Raises InvalidInput for a field given twice.
        """
        filled = {name: [text for text in texts if text] for name, texts in self.texts.items()}
        twice = {name: "is given twice" for name, texts in filled.items() if len(texts) > 1}
        if twice:
            raise InvalidInput(f"'{next(iter(twice))}' is given twice", fields=twice)
        return {name: texts[0] for name, texts in filled.items() if texts}


class FormReader:
    """Reads a request's form of at most `max_files` files of `max_file_bytes` bytes each.

    With `keep_large` a file that is larger is only marked.
    """

    def __init__(
        self, max_file_bytes: int, max_files: int = MAX_FILES, *, keep_large: bool = False
    ) -> None:
        self._max_file_bytes = max_file_bytes
        self._max_files = max_files
        self._keep_large = keep_large

    async def read(self, request: Request) -> Form:
        """The form; an empty one where the body is empty.

        Raises InvalidInput for a broken form, TooLarge, and UnsupportedMedia for another body.
        """
        kind, options = parse_options_header(request.headers.get("Content-Type"))
        if kind == MULTIPART.encode():
            return await self._multipart(request, options.get(b"boundary", b""))
        if kind == URLENCODED.encode():
            return _urlencoded(await read_text_body(request))
        if await read_text_body(request):
            raise UnsupportedMedia(f"the body must be {MULTIPART} or {URLENCODED}")
        return Form({}, {})

    async def _multipart(self, request: Request, boundary: bytes) -> Form:
        reader = MultipartReader(
            boundary, self._max_file_bytes, self._max_files, keep_large=self._keep_large
        )
        async for chunk in request.stream():
            reader.feed(chunk)
        reader.finish()
        return Form(reader.texts, reader.files)


async def read_text_body(request: Request) -> bytes:
    """A whole body that holds no file. Raises TooLarge over MAX_FIELDS * MAX_TEXT_BYTES."""
    limit = MAX_FIELDS * MAX_TEXT_BYTES
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"a body without files is larger than {limit // 1024} KiB")
        chunks.append(chunk)
    return b"".join(chunks)


def _urlencoded(body: bytes) -> Form:
    texts: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise InvalidInput("the form is not valid") from error
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    return Form(texts, {})

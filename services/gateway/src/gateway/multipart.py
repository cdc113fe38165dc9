"""A multipart/form-data body, taken apart as it arrives."""

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from facetkit.errors import InvalidInput, TooLarge

MAX_FIELDS = 32
MAX_FILES = 8
MAX_TEXT_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form; without a name of its own it has the field's.

    Of a file that is too large, and may be, `fault` says so and the content is left out.
    """

    name: str
    content: bytes
    fault: str = ""


class MultipartReader:
    """Gathers the parts in memory: nothing touches the disk or another thread.

    A file over `max_file_bytes` ends the reading, unless `keep_large` says that it is one of
    several of which the others are good. `texts` and `files` map a field's name to what it held,
    in order. A file without a name and without content is what browsers send for an untouched
    input, and is left out.
    """

    def __init__(
        self,
        boundary: bytes,
        max_file_bytes: int,
        max_files: int = MAX_FILES,
        *,
        keep_large: bool = False,
    ) -> None:
        self.texts: dict[str, list[str]] = {}
        self.files: dict[str, list[File]] = {}
        self._max_file_bytes = max_file_bytes
        self._max_files = max_files
        self._keep_large = keep_large
        self._began = False
        self._ended = False
        self._begin_part()
        if not boundary:
            raise InvalidInput("the form's content type names no boundary")
        try:
            self._parser = self._new_parser(boundary)
        except FormParserError as error:
            raise InvalidInput("the form's boundary is not valid") from error

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes. Raises InvalidInput for a broken form, and TooLarge."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidInput("the form is not valid multipart data") from error

    def finish(self) -> None:
        """Raises InvalidInput when the form ended early."""
        if self._began and not self._ended:
            raise InvalidInput("the form ends early")

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def _begin_part(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._field = ""
        self._filename: bytes | None = None
        self._content = bytearray()
        self._fault = ""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._began = True
        self._header = (self._header[0] + data[start:end], b"")

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = (b"", b"")

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise InvalidInput("a part of the form has no name")
        self._field = options[b"name"].decode("utf-8", "replace")
        self._filename = options.get(b"filename")
        is_file = self._filename is not None
        held, most = (self.files, self._max_files) if is_file else (self.texts, MAX_FIELDS)
        if sum(map(len, held.values())) >= most:
            raise InvalidInput(f"the form has more than {most} {'files' if is_file else 'fields'}")

    def _data(self, data: bytes, start: int, end: int) -> None:
        limit = MAX_TEXT_BYTES if self._filename is None else self._max_file_bytes
        if self._fault or len(self._content) + end - start > limit:
            reason = f"is larger than {_readable(limit)}"
            if self._keep_large and self._filename is not None:
                self._fault, self._content = reason, bytearray()
                return
            raise TooLarge(f"'{self._field}' {reason}", fields={self._field: reason})
        # One buffer for any number of chunks: a list of tiny ones would cost many times their size.
        self._content += memoryview(data)[start:end]

    def _end_part(self) -> None:
        content = bytes(self._content)
        self._content = bytearray()
        if self._filename is None:
            self._add_text(content)
        elif content or self._filename or self._fault:
            name = self._filename.decode("utf-8", "replace") or self._field
            file = File(name, content, self._fault)
            self.files.setdefault(self._field, []).append(file)

    def _add_text(self, content: bytes) -> None:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            reason = "is not valid UTF-8 text"
            raise InvalidInput(f"'{self._field}' {reason}", fields={self._field: reason}) from error
        self.texts.setdefault(self._field, []).append(text)

    def _end(self) -> None:
        self._ended = True


def _readable(size: int) -> str:
    return f"{size / 2**20:g} MiB" if size >= 2**20 else f"{size / 1024:g} KiB"

"""The one family of errors, and the one table that maps it to gRPC and HTTP.

FacetError
├── InvalidInput ── TooLarge, UnsupportedMedia, Unprocessable
├── Unauthenticated, PermissionDenied
├── NotFound, AlreadyExists, Conflict
├── Overloaded
├── NotReady, Unavailable
├── Upstream
└── Deadline
"""

from collections.abc import Mapping
from dataclasses import dataclass


class FacetError(Exception):
    """A failure whose message may be shown to the caller.

    `fields` maps an input's path to what is wrong with it; `retry_after_s` says when another
    attempt can succeed, in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})
        self.retry_after_s = retry_after_s


class InvalidInput(FacetError):
    """The request is missing something, or holds a wrong type or a value out of range."""


class TooLarge(InvalidInput):
    """The input is over a limit in bytes or pixels."""


class UnsupportedMedia(InvalidInput):
    """The content is of a format that is not on the allow-list."""


class Unprocessable(InvalidInput):
    """The format is right but the content is damaged or refused."""


class Unauthenticated(FacetError):
    """No valid credential came with the request."""


class PermissionDenied(FacetError):
    """The credential is valid but does not allow this."""


class NotFound(FacetError):
    """The named thing does not exist."""


class AlreadyExists(FacetError):
    """The thing to be made exists already."""


class Conflict(FacetError):
    """The state changed under the request, or does not allow it."""


class Overloaded(FacetError):
    """A bound is reached; the same request can succeed later."""


class NotReady(FacetError):
    """This part of the mesh is still starting, or lacks something it needs."""


class NotServed(FacetError):
    """This mesh is set up without the part that would answer."""


class Unavailable(FacetError):
    """A part of the mesh cannot be reached."""


class Upstream(FacetError):
    """A system outside the mesh failed or gave a useless answer."""


class Deadline(FacetError):
    """The time for the request is used up."""


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """How one class of error travels: `code` in JSON and as gRPC ErrorInfo.reason."""

    code: str
    grpc_status: str
    http_status: int


INTERNAL = ErrorKind("internal", "INTERNAL", 500)

ERROR_KINDS: Mapping[type[FacetError], ErrorKind] = {
    InvalidInput: ErrorKind("invalid_input", "INVALID_ARGUMENT", 400),
    Unauthenticated: ErrorKind("unauthenticated", "UNAUTHENTICATED", 401),
    PermissionDenied: ErrorKind("permission_denied", "PERMISSION_DENIED", 403),
    NotFound: ErrorKind("not_found", "NOT_FOUND", 404),
    AlreadyExists: ErrorKind("already_exists", "ALREADY_EXISTS", 409),
    Conflict: ErrorKind("conflict", "ABORTED", 409),
    TooLarge: ErrorKind("too_large", "INVALID_ARGUMENT", 413),
    UnsupportedMedia: ErrorKind("unsupported_media", "INVALID_ARGUMENT", 415),
    Unprocessable: ErrorKind("unprocessable", "INVALID_ARGUMENT", 422),
    Overloaded: ErrorKind("overloaded", "RESOURCE_EXHAUSTED", 429),
    Upstream: ErrorKind("upstream", "FAILED_PRECONDITION", 502),
    NotServed: ErrorKind("not_served", "UNIMPLEMENTED", 501),
    NotReady: ErrorKind("not_ready", "UNAVAILABLE", 503),
    Unavailable: ErrorKind("unavailable", "UNAVAILABLE", 503),
    Deadline: ErrorKind("deadline", "DEADLINE_EXCEEDED", 504),
}

_BY_CODE = {kind.code: cls for cls, kind in ERROR_KINDS.items()}


def kind_of(error: BaseException) -> ErrorKind:
    """The kind of `error`; INTERNAL for anything outside the family."""
    for cls in type(error).__mro__:
        if cls in ERROR_KINDS:
            return ERROR_KINDS[cls]
    return INTERNAL


def class_of(code: str) -> type[FacetError]:
    """The class that travels under `code`; FacetError itself for an unknown one."""
    return _BY_CODE.get(code, FacetError)

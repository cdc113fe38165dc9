"""FacetError ↔ google.rpc.Status: how errors cross a gRPC hop."""

from collections.abc import Mapping

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

from facetkit.errors import Deadline as DeadlineError
from facetkit.errors import (
    FacetError,
    NotServed,
    Overloaded,
    TooLarge,
    Unavailable,
    class_of,
    kind_of,
)

STATUS_DETAILS_KEY = "grpc-status-details-bin"
_DOMAIN = "facet"

# Details travel as trailing metadata, of which a peer accepts 8 KiB; the text goes twice, once
# with three characters a byte.
_MESSAGE_BYTES = 1000
_FIELDS_BYTES = 2000


def to_status(error: BaseException) -> status_pb2.Status:
    """`error` as a status with ErrorInfo, RetryInfo and BadRequest details.

    Anything outside the family becomes INTERNAL with a text that tells nothing. A long text is
    cut; of many fields the first are named.
    """
    kind = kind_of(error)
    message = error.message if isinstance(error, FacetError) else "internal error"
    message = _cut(message, _MESSAGE_BYTES)
    status = status_pb2.Status(code=code_pb2.Code.Value(kind.grpc_status), message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=kind.code, domain=_DOMAIN))
    if isinstance(error, FacetError):
        _add_details(status, error)
    return status


def _add_details(status: status_pb2.Status, error: FacetError) -> None:
    if error.retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(round(max(error.retry_after_s, 0) * 1e9))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    if error.fields:
        status.details.add().Pack(_bad_request(error.fields))


def _bad_request(fields: Mapping[str, str]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for field, description in fields.items():
        violation = bad.field_violations.add(
            field=_cut(field, _FIELDS_BYTES // 4), description=_cut(description, _FIELDS_BYTES // 4)
        )
        if bad.ByteSize() > _FIELDS_BYTES:
            bad.field_violations.remove(violation)
            break
    return bad


def _cut(text: str, size: int) -> str:
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")


def from_rpc_error(error: grpc.aio.AioRpcError) -> FacetError:
    """The error that the other side raised, or the nearest class for gRPC's own failures."""
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_DETAILS_KEY and isinstance(value, bytes):
            return _from_status(status_pb2.Status.FromString(value))
    return _from_code(error)


def _from_status(status: status_pb2.Status) -> FacetError:
    info, retry, bad = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.RetryInfo(),
        error_details_pb2.BadRequest(),
    )
    retry_after_s = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    fields = {violation.field: violation.description for violation in bad.field_violations}
    return class_of(info.reason)(status.message, fields=fields, retry_after_s=retry_after_s)


def _from_code(error: grpc.aio.AioRpcError) -> FacetError:
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineError("the deadline of the request has passed")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return TooLarge("the message is larger than the service accepts")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Overloaded("too many calls at once", retry_after_s=1.0)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return NotServed("this part of the mesh is not served there")
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return Unavailable("a service of the mesh cannot be reached", retry_after_s=1.0)
    return FacetError("internal error")

"""What boto3 raises, as FacetErrors that tell callers nothing of its texts."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ResponseStreamingError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from facetkit.errors import (
    Conflict,
    FacetError,
    InvalidInput,
    NotFound,
    NotReady,
    Unavailable,
    Upstream,
)

RETRY_AFTER_S = 2.0

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
_BROKEN_ANSWERS = (HTTPError, IncompleteReadError, ResponseStreamingError)


@contextmanager
def failing_as_facet_errors(missing: str) -> Iterator[None]:
    """Maps what calls raise; `missing` is what callers are told of a 404."""
    try:
        yield
    except ClientError as error:
        raise _refusal(error, missing) from error
    except _NO_CREDENTIALS as error:
        _log.warning("s3_credentials", error=type(error).__name__)
        raise NotReady("the object store's credentials are missing or cannot be had") from error
    except (KeyError, ResponseParserError) as error:
        raise Upstream("the object store's answer cannot be read") from error
    except (BotoCoreError, HTTPError) as error:
        _log.warning("s3_failed", error=type(error).__name__)
        broken = isinstance(error, _BROKEN_ANSWERS)
        reason = "answer broke off" if broken else "server does not answer"
        raise Unavailable(f"the object store's {reason}", retry_after_s=RETRY_AFTER_S) from error


def status_of(error: ClientError) -> int:
    """The HTTP status that S3 answered."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def code_of(error: ClientError) -> str:
    """S3's name for the error; for answers without a body the status."""
    return error.response["Error"].get("Code", "")


def _refusal(error: ClientError, missing: str) -> FacetError:
    status, code = status_of(error), code_of(error)
    if code == "NoSuchBucket":
        return NotReady("the object store's bucket does not exist")
    if status == 404:
        return NotFound(missing)
    if status == 416:
        return InvalidInput("the range starts behind the object's end")
    if code == "InvalidObjectState":
        return Conflict("the object is archived and cannot be read")
    if status in {409, 412}:
        return Conflict("the object has changed")
    # The text may hold a key id, so it is in no log.
    _log.warning("s3_refused", status=status, code=code)
    return _failure(status)


def _failure(status: int) -> FacetError:
    if status in {401, 403}:
        return Unavailable("the object store denies access", retry_after_s=RETRY_AFTER_S)
    if status == 429 or status >= 500:
        return Unavailable("the object store is failing or too busy", retry_after_s=RETRY_AFTER_S)
    return Upstream("the object store does not take the request")

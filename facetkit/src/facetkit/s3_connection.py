"""How S3 is reached: one boto3 client, made on first use, and the threads that its calls run in."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from boto3.session import Session
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from facetkit.errors import NotReady
from facetkit.s3_errors import failing_as_facet_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Result = TypeVar("Result")

_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class S3Access:
    """Where and as whom; what is empty is found by boto3 itself (environment, profile, role)."""

    endpoint_url: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Opened:
    credentials: Credentials
    client: "S3Client"


class S3Connection:
    """Calls in at most `max_connections` threads, each tried at most `max_attempts` times."""

    def __init__(
        self,
        access: S3Access,
        *,
        max_connections: int = 32,
        max_attempts: int = 4,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 15.0,
    ) -> None:
        self._access = access
        self._config = Config(
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            max_pool_connections=max_connections,
            retries={"mode": "standard", "total_max_attempts": max_attempts},
            # Servers that only resemble S3 know no newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            signature_version="s3v4",
            s3={"addressing_style": "path" if access.endpoint_url else "auto"},
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # not in the stubs
        )
        self._threads = ThreadPoolExecutor(max_connections, thread_name_prefix="s3")
        self._opening = Lock()
        self._opened: _Opened | None = None

    async def run(self, work: Callable[["S3Client"], Result], missing: str) -> Result:
        """What `work` returns, run in a thread; `missing` is what callers are told of a 404.

        Raises the FacetError that fits what it raises.
        """
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, context.run, self._run, work, missing)

    def region(self) -> str:
        """The region that calls are signed for."""
        return self._access.region or self._open().client.meta.region_name

    def presigned(self, url: str, expires_s: int) -> str:
        """`url` with a signature that lets anybody GET it. Raises NotReady without credentials.

        Nothing is asked over the network, unless the credentials are those of a role.
        """
        request = AWSRequest("GET", url)
        with failing_as_facet_errors(""):
            credentials = self._open().credentials.get_frozen_credentials()
            signer = S3SigV4QueryAuth(credentials, "s3", self.region(), expires=expires_s)
            signer.add_auth(request)
        return str(request.url)

    async def close(self) -> None:
        """Lets go of the connections; calls that have not begun are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._opened:
            self._opened.client.close()

    def _run(self, work: Callable[["S3Client"], Result], missing: str) -> Result:
        with failing_as_facet_errors(missing):
            return work(self._open().client)

    def _open(self) -> _Opened:
        # Only what succeeds is kept: credentials of a role may come later than the process.
        with self._opening, failing_as_facet_errors(""):
            self._opened = self._opened or self._connect()
            return self._opened

    def _connect(self) -> _Opened:
        access = self._access
        session = Session(
            aws_access_key_id=access.access_key_id or None,
            aws_secret_access_key=access.secret_access_key or None,
            aws_session_token=access.session_token or None,
            region_name=access.region or None,
        )
        credentials = session.get_credentials()
        if credentials is None:
            raise NotReady("the object store has no credentials (AWS_ACCESS_KEY_ID, or a role)")
        client = session.client(
            "s3",
            region_name=session.region_name or _DEFAULT_REGION,
            endpoint_url=access.endpoint_url or None,
            config=self._config,
        )
        return _Opened(credentials, client)

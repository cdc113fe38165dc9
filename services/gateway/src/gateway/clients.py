"""Everything outside the process that the gateway talks to."""

from dataclasses import dataclass

from facetkit.client import RpcClient
from facetkit.fetch import SafeFetcher
from facetkit.local_objects import LocalObjectStore
from facetkit.objects import ObjectStore
from gateway.search.client import SearchClient
from gateway.settings import Settings
from gateway.vision.client import VisionClient


@dataclass(frozen=True, slots=True)
class Clients:
    """The gateway's peers; `close` ends what they hold open."""

    vision: VisionClient
    search: SearchClient
    fetcher: SafeFetcher
    objects: ObjectStore

    async def close(self) -> None:
        """Closes every connection; calls in flight are cancelled."""
        await self.vision.rpc.close()
        await self.search.rpc.close()
        await self.fetcher.aclose()


def connect(settings: Settings) -> Clients:
    """The clients that `settings` name; connections open on use. Needs a running event loop."""
    return Clients(
        vision=VisionClient(RpcClient(settings.embedding_target)),
        search=SearchClient(RpcClient(settings.search_target)),
        fetcher=SafeFetcher(
            max_bytes=settings.max_upload_bytes,
            timeout_s=settings.fetch_timeout_s,
            allow=settings.fetch_allow,
        ),
        objects=LocalObjectStore(settings.objects_dir),
    )

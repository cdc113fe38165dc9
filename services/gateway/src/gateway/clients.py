"""Everything outside the process that the gateway talks to."""

from collections.abc import Mapping
from dataclasses import dataclass

from facetkit.client import MAX_LARGE_MESSAGE_BYTES, RpcClient
from facetkit.fetch import SafeFetcher
from facetkit.object_stores import open_object_store
from facetkit.objects import ObjectStore
from gateway.jobs.client import JobsClient, SyncClient
from gateway.search.client import SearchClient
from gateway.settings import Settings
from gateway.vision.caption_client import CaptionClient
from gateway.vision.client import VisionClient
from gateway.vision.generation_client import GenerationClient
from gateway.vision.segmentation_client import SegmentationClient


@dataclass(frozen=True, slots=True)
class Clients:
    """The gateway's peers; `close` ends what they hold open.

    `jobs` maps the first part of a job's id to the service that has the job.
    """

    vision: VisionClient
    captions: CaptionClient
    generation: GenerationClient
    segmentation: SegmentationClient
    search: SearchClient
    sync: SyncClient
    jobs: Mapping[str, JobsClient]
    fetcher: SafeFetcher
    objects: ObjectStore

    async def close(self) -> None:
        """Closes every connection; calls in flight are cancelled."""
        await self.vision.rpc.close()
        await self.captions.rpc.close()
        await self.generation.rpc.close()
        await self.segmentation.rpc.close()
        await self.search.rpc.close()
        await self.fetcher.aclose()
        await self.objects.close()


def connect(settings: Settings) -> Clients:
    """The clients that `settings` name; connections open on use. Needs a running event loop."""
    search = RpcClient(settings.search_target)
    return Clients(
        vision=VisionClient(RpcClient(settings.embedding_target)),
        captions=CaptionClient(
            RpcClient(settings.caption_target, max_message_bytes=MAX_LARGE_MESSAGE_BYTES)
        ),
        generation=GenerationClient(RpcClient(settings.generation_target)),
        segmentation=SegmentationClient(
            RpcClient(settings.segmentation_target, max_message_bytes=MAX_LARGE_MESSAGE_BYTES)
        ),
        search=SearchClient(search),
        sync=SyncClient(search),
        jobs={"sync": JobsClient(search)},
        fetcher=SafeFetcher(
            max_bytes=settings.max_upload_bytes,
            timeout_s=settings.fetch_timeout_s,
            allow=settings.fetch_allow,
        ),
        objects=open_object_store(settings),
    )

"""Prometheus metrics of the models: queue wait against compute time, batches, cache, refusals."""

from prometheus_client import Counter, Gauge, Histogram

from facetkit.metrics import DURATION_BUCKETS

QUEUE_DEPTH = Gauge("vision_queue_depth", "Calls between arrival and answer", ["family", "lane"])
QUEUE_WAIT_SECONDS = Histogram(
    "vision_queue_wait_seconds", "Wait for the device", ["family"], buckets=DURATION_BUCKETS
)
INFERENCE_SECONDS = Histogram(
    "vision_inference_seconds",
    "Time of one batch on the device",
    ["family"],
    buckets=DURATION_BUCKETS,
)
PREPROCESS_SECONDS = Histogram(
    "vision_preprocess_seconds", "Decoding and resizing of one image", buckets=DURATION_BUCKETS
)
BATCH_SIZE = Histogram(
    "vision_batch_size", "Items in one batch", ["family"], buckets=(1, 2, 4, 8, 16, 32, 64)
)
REJECTED = Counter("vision_rejected", "Calls refused before any work", ["family", "reason"])
CACHE = Counter("vision_embedding_cache", "Embeddings asked for", ["outcome"])
MODEL_LOADED = Gauge("vision_model_loaded", "1 while the model is in memory", ["model"])
CAPTION_CACHE = Counter("vision_caption_cache", "Captions asked for", ["outcome"])
CAPTION_CACHE_SHARED = Gauge("vision_caption_cache_shared", "1 while Redis answers")

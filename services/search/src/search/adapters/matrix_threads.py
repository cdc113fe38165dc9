"""The threads that scan a matrix."""

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import faiss

from search.adapters.matrix_codes import Block

THREADS = 2


def scan_threads() -> Executor:
    """Threads that keep to one core each."""
    return ThreadPoolExecutor(
        THREADS, thread_name_prefix="scan", initializer=faiss.omp_set_num_threads, initargs=(1,)
    )


def shares(blocks: Sequence[Block]) -> list[Sequence[Block]]:
    """The blocks, dealt out to the threads."""
    return [blocks[number::THREADS] for number in range(min(THREADS, len(blocks)))]

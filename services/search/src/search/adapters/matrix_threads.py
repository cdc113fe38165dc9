"""The threads that go over a matrix."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from typing import TypeVar

import faiss

from search.adapters.matrix_codes import Block

Result = TypeVar("Result")


def helping_thread() -> Executor:
    """A thread besides the one that asks."""
    return ThreadPoolExecutor(
        1, thread_name_prefix="scan", initializer=faiss.omp_set_num_threads, initargs=(1,)
    )


def with_help(
    helper: Executor, work: Callable[[Iterator[Block]], list[Result]], blocks: Sequence[Block]
) -> list[Result]:
    """What `work` makes of all blocks: two threads each take the next one that is left."""
    left = iter(blocks)
    if len(blocks) == 1:
        return work(left)
    helped = helper.submit(work, left)
    try:
        done = work(left)
    finally:
        # It may have had no core yet; but it must not go on while rows are changed.
        if not helped.cancel():
            wait([helped])
    return done if helped.cancelled() else done + helped.result()

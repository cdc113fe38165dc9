"""One small HTTP GET to a process of this machine."""

import asyncio

MAX_ANSWER_BYTES = 65_536


async def http_get(host: str, port: int, path: str, timeout_s: float) -> tuple[int, bytes]:
    """Return status and body; OSError (a timeout too) or ValueError when there is no answer."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            # HTTP/1.0: the answer is neither chunked nor kept open.
            writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode("ascii"))
            answer = await _read_to_end(reader)
        finally:
            writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return _status(head), body


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) < MAX_ANSWER_BYTES:
        piece = await reader.read(MAX_ANSWER_BYTES)
        if not piece:
            break
        answer += piece
    return answer


def _status(head: bytes) -> int:
    words = head.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):
        raise ValueError("not an HTTP answer")
    return int(words[1])

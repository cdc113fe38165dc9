"""The request's deadline, from its first byte on."""

from starlette.types import ASGIApp, Receive, Scope, Send

from facetkit import deadlines


class RequestDeadline:
    """Puts a deadline of `seconds` in force: reading the body counts, and every hop sees it.

    Raises Deadline when it has passed.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        async with deadlines.within(self._seconds):
            await self._app(scope, receive, send)

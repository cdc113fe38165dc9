"""The request's deadline, from its first byte on."""

import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from facetkit import deadlines


class RequestDeadline:
    """Puts a deadline of `seconds` in force: reading the body counts, and every hop sees it.

    The paths of `longer` have their own; requests whose path is `endless` bound their own steps.
    Raises Deadline when it has passed.
    """

    def __init__(
        self,
        app: ASGIApp,
        seconds: float,
        longer: Mapping[str, float],
        endless: re.Pattern[str],
    ) -> None:
        self._app = app
        self._seconds = seconds
        self._longer = longer
        self._endless = endless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or self._endless.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        async with deadlines.within(self._longer.get(scope["path"], self._seconds)):
            await self._app(scope, receive, send)

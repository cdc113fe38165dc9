"""A visitor of the pages, who minds what they ask and of whom."""

from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

_OWN_SCHEMES = ("data:", "blob:")
_FAILED_LOAD = "Failed to load resource"


class Visitor:
    """Opens pages below `url`; no HTTP status but those in `expects` may be a refusal."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.url = url
        self.expects: set[int] = set()
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._asked: list[str] = []
        self._refused: list[str] = []
        self._complaints: list[str] = []

    async def open(self, path: str, **options: Any) -> Page:
        """The page at `path`, in a context of its own with the `options`."""
        context = await self._browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        # From now on choosers are held; begun with the key that opens one, that may be too late.
        page.on("filechooser", lambda chooser: None)
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        await page.goto(f"{self.url}{path}")
        return page

    async def leave(self) -> list[str]:
        """Closes the pages, and tells what was wrong with them."""
        for context in self._contexts:
            for page in context.pages:
                # What is polled just now would be answered to a closed page.
                await page.unroute_all(behavior="ignoreErrors")
            await context.close()
        here = (f"{self.url}/", *_OWN_SCHEMES)
        foreign = [url for url in self._asked if not url.startswith(here)]
        return foreign + self._complaints + self._refused

    def _on_request(self, request: Request) -> None:
        self._asked.append(request.url)

    def _on_response(self, response: Response) -> None:
        expected = response.status < 400 or response.status in self.expects
        # There 503 is an answer like any other.
        if not expected and not response.url.endswith("/readyz"):
            self._refused.append(f"{response.status} {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        # Refusals are minded by their status.
        if message.type in {"error", "warning"} and not message.text.startswith(_FAILED_LOAD):
            self._complaints.append(message.text)

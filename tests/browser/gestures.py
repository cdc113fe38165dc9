"""What people do with hands: drop files, press Tab until they are where they want to be."""

from base64 import b64encode
from collections.abc import Sequence

from playwright.async_api import FilePayload, Page

MAX_TABS = 60

_TRANSFER = """async (files) => {
  const transfer = new DataTransfer();
  for (const { name, type, bytes } of files) {
    const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([content], name, { type }));
  }
  return transfer;
}"""


def jpeg_file(name: str, content: bytes) -> FilePayload:
    """A file as the chooser gives it."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


async def drop(page: Page, zone: str, files: Sequence[FilePayload]) -> None:
    """Drags `files` over `zone` and lets them go."""
    transfer = await page.evaluate_handle(_TRANSFER, [_encoded(file) for file in files])
    for event in ("dragenter", "dragover", "drop"):
        await page.dispatch_event(zone, event, {"dataTransfer": transfer})


async def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until what `selector` names has the focus."""
    for _ in range(MAX_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate("(it) => document.activeElement.matches(it)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the keyboard")


async def choose(page: Page, files: Sequence[FilePayload]) -> None:
    """Opens the chooser of the focused input by the keyboard, and picks `files`."""
    async with page.expect_file_chooser() as chooser:
        await page.keyboard.press("Space")
    await (await chooser.value).set_files(files)


def _encoded(file: FilePayload) -> dict[str, str]:
    content = b64encode(file["buffer"]).decode()
    return {"name": file["name"], "type": file["mimeType"], "bytes": content}

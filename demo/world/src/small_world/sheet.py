"""Contact sheets: many pictures side by side, to be looked at."""

from collections.abc import Sequence

from PIL import Image


def contact_sheet(images: Sequence[Image.Image], columns: int, gap: int = 4) -> Image.Image:
    """All images in rows of `columns`; they must be equally large."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    size = (columns * (width + gap) + gap, rows * (height + gap) + gap)
    sheet = Image.new("RGB", size, (255, 255, 255))
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        sheet.paste(image, (gap + column * (width + gap), gap + row * (height + gap)))
    return sheet

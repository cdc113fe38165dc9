"""From a request to its drawings: sizes, seeds, and what the files tell of them."""

from vision_models.domain import Pixels
from vision_models.drawing_progress import DrawingProgress
from vision_models.generation_domain import Drawing, Painter, Sampling
from vision_models.generation_requests import SIDE_UNIT, PictureRequest


def drawings(
    request: PictureRequest, painter: Painter, start: Pixels | None, progress: DrawingProgress
) -> list[Drawing]:
    """One per picture asked for; only the first shows previews."""
    sampling = _sampling(request, painter)
    return [
        Drawing(
            request.prompt,
            request.negative_prompt,
            seed,
            sampling,
            start,
            previews=request.previews and index == 0,
            advance=progress.advance(index),
        )
        for index, seed in enumerate(request.seeds)
    ]


def _sampling(request: PictureRequest, painter: Painter) -> Sampling:
    width, height = _native_size(request.width, request.height, painter.native_side)
    return Sampling(
        width,
        height,
        request.steps,
        request.guidance_scale,
        request.scheduler or painter.schedulers[0],
        request.strength if request.init_image else None,
    )


def _native_size(width: int, height: int, native_side: int) -> tuple[int, int]:
    """The size asked for, or one of the same proportions that the model knows to draw."""
    longest = max(width, height)
    if not native_side or longest <= native_side:
        return width, height
    scale = native_side / longest / SIDE_UNIT
    return (
        max(SIDE_UNIT, round(width * scale) * SIDE_UNIT),
        max(SIDE_UNIT, round(height * scale) * SIDE_UNIT),
    )


def facts(request: PictureRequest, drawing: Drawing, painter: Painter) -> dict[str, str]:
    """What a picture's file tells, by name."""
    sampling = drawing.sampling
    told = {
        "Software": "Facet",
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": str(drawing.seed),
        "samples": str(request.steps),
        "cfg": f"{request.guidance_scale:g}",
        "width": str(request.width),
        "height": str(request.height),
        "scheduler": sampling.scheduler,
        "native_width": str(sampling.width),
        "native_height": str(sampling.height),
        "model": painter.info.name,
        "model_version": painter.info.version,
        "model_set": painter.info.model_set,
    }
    if sampling.strength is not None:
        told["strength"] = f"{request.strength:g}"
    return told

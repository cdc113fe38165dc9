"""From a scene to a picture with its masks and boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from small_world import backgrounds, clutter, metal, stones, types
from small_world.attributes import Scene
from small_world.canvas import Mask, Projection, empty, fill
from small_world.form import METAL, Form, Sheet
from small_world.materials import FLAT_RAMPS, METAL_RAMPS, STONE_RAMPS
from small_world.outlines import Outline
from small_world.stones import BEZEL

OVERSAMPLING = 3
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom just outside."""

Visible = NDArray[np.bool_]
"""Side × side: where something is seen."""

_TINTS = {"neutral": (1.0, 1.0, 1.0), "warm": (1.03, 1.0, 0.92), "cool": (0.95, 1.0, 1.05)}


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn scene: `mask` of the piece with its stones, and one of what is seen of each stone."""

    scene: Scene
    image: Image.Image
    mask: Visible
    stone_masks: tuple[Visible, ...]

    @property
    def box(self) -> Box:
        """The smallest box round the piece."""
        return box_of(self.mask)

    @property
    def stone_boxes(self) -> list[Box]:
        """The smallest box round each stone."""
        return [box_of(mask) for mask in self.stone_masks]


def render(scene: Scene, side: int, oversampling: int = OVERSAMPLING) -> Picture:
    """Draws a scene as a square of `side` pixels."""
    large = side * oversampling
    random = np.random.default_rng(scene.staging.grain)
    form = _form(scene)
    projection = Projection.of(scene.pose, large)
    girdles = stones.girdles_of(form.seats, scene.piece.stone_shape, projection)
    sheets = [(sheet, _sheet_mask(sheet, projection, large)) for sheet in _with_bezels(scene, form)]
    whole = empty(large)
    for _, mask in sheets:
        whole.paste(255, mask=mask)
    fill(whole, girdles, 255)
    picture = _stage(scene, whole, side, random)
    _paint_piece(picture, scene, sheets, projection, random)
    for girdle in girdles:
        stones.paint(picture, girdle, STONE_RAMPS[scene.piece.stone], _light(scene), random)
    return Picture(
        scene,
        _lit(picture, scene).reduce(oversampling),
        _reduced(whole, oversampling),
        _stone_masks(girdles, large, oversampling),
    )


def box_of(mask: Visible) -> Box:
    """The smallest box round what is set; all zero where nothing is."""
    if not mask.any():
        return (0, 0, 0, 0)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _form(scene: Scene) -> Form:
    piece = scene.piece
    form = Form(piece.style, piece.stone_count, np.random.default_rng(piece.build))
    types.BUILDERS[piece.type](form)
    form.finish()
    return form


def _with_bezels(scene: Scene, form: Form) -> list[Sheet]:
    shape = scene.piece.stone_shape
    settings = [stones.outline(seat, shape, BEZEL) for seat in form.seats]
    return [*form.sheets, Sheet(METAL, 0.04, settings)] if settings else form.sheets


def _sheet_mask(sheet: Sheet, projection: Projection, side: int) -> Mask:
    mask = empty(side)
    fill(mask, [projection(outline) for outline in sheet.outlines], 255)
    fill(mask, [projection(hole) for hole in sheet.holes], 0)
    return mask


def _stage(scene: Scene, whole: Mask, side: int, random: np.random.Generator) -> Image.Image:
    staging = scene.staging
    small = backgrounds.paint(staging.background, side, staging.light_angle, random)
    picture = small.resize(whole.size, Image.Resampling.BILINEAR)
    clutter.scatter(picture, staging.clutter, random)
    if staging.shadow != "none":
        _cast(picture, whole, scene)
    return picture


def _cast(picture: Image.Image, whole: Mask, scene: Scene) -> None:
    soft = scene.staging.shadow == "soft"
    reach = picture.width * (0.03 if soft else 0.022)
    right, down = (-part * reach for part in _light(scene))
    fallen = empty(whole.width)
    fallen.paste(whole, (round(right), round(down)))
    blurred = fallen.filter(ImageFilter.GaussianBlur(picture.width * (0.022 if soft else 0.004)))
    strength = 0.5 if soft else 0.42
    picture.paste((14, 12, 18), mask=blurred.point(lambda value: value * strength))


def _paint_piece(
    picture: Image.Image,
    scene: Scene,
    sheets: list[tuple[Sheet, Mask]],
    projection: Projection,
    random: np.random.Generator,
) -> None:
    piece = scene.piece
    across = projection.matrix[:, 0] / np.linalg.norm(projection.matrix[:, 0])
    for sheet, mask in sheets:
        plain = sheet.material != METAL
        surface = metal.Surface(
            ramp=FLAT_RAMPS[sheet.material] if plain else METAL_RAMPS[piece.metal],
            texture="polished" if plain else piece.texture,
            bevel=max(0.7, sheet.bevel * projection.pixels),
            unit=projection.pixels,
            axis=(float(across[0]), float(across[1])),
            light=_light(scene),
            phase=random.uniform(0, 2 * np.pi),
        )
        metal.paint(picture, mask, surface, random)


def _light(scene: Scene) -> tuple[float, float]:
    angle = np.radians(scene.staging.light_angle)
    return float(np.cos(angle)), float(np.sin(angle))


def _lit(picture: Image.Image, scene: Scene) -> Image.Image:
    tint = np.array(_TINTS[scene.staging.light]) * scene.staging.brightness
    tables = np.clip(np.arange(256) * tint[:, None], 0, 255).astype(int)
    return picture.point(tables.ravel().tolist())


def _stone_masks(girdles: list[Outline], side: int, by: int) -> tuple[Visible, ...]:
    numbered = empty(side)
    for number, girdle in enumerate(girdles, start=1):
        fill(numbered, [girdle], number)
    numbers = np.asarray(numbered)
    shown = [np.where(numbers == number, 255, 0) for number in range(1, len(girdles) + 1)]
    return tuple(_reduced(Image.fromarray(each.astype(np.uint8)), by) for each in shown)


def _reduced(mask: Mask, by: int) -> Visible:
    covered: Visible = np.asarray(mask.reduce(by)) >= 128
    return covered

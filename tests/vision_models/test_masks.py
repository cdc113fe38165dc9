import numpy as np
import pytest
from PIL import Image, ImageDraw

from vision_models import masks
from vision_models.segmentation_domain import Bits, Mask, Part

WIDTH, HEIGHT = 90, 70


def blob(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Bits:
    """Discs of random places and sizes, some of them cut out."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    bits = np.zeros((height, width), bool)
    for number in range(8):
        cx, cy, radius = random.uniform(0, width), random.uniform(0, height), random.uniform(2, 22)
        bits[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = number % 3 != 2
    return bits


def noise(seed: int) -> Bits:
    made: Bits = np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.5
    return made


def single() -> Bits:
    bits = np.zeros((HEIGHT, WIDTH), bool)
    bits[20, 30] = True
    return bits


def framed() -> Bits:
    """A square with two holes, one of which holds an island."""
    bits = np.zeros((HEIGHT, WIDTH), bool)
    bits[5:60, 5:80] = True
    bits[10:30, 10:30] = False
    bits[15:25, 15:25] = True
    bits[40:50, 40:70] = False
    return bits


SHAPES = {
    "empty": np.zeros((HEIGHT, WIDTH), bool),
    "full": np.ones((HEIGHT, WIDTH), bool),
    "single pixel": single(),
    "holes": framed(),
    "one pixel of one": np.ones((1, 1), bool),
    "row": np.ones((1, 9), bool),
    **{f"blob {seed}": blob(seed) for seed in range(12)},
    **{f"noise {seed}": noise(seed) for seed in range(3)},
}
SCALES = [(1, 1), (2, 3), (1.37, 1), (1, 2.71), (7.3, 5.9)]
shapes = pytest.mark.parametrize("bits", SHAPES.values(), ids=SHAPES)
scales = pytest.mark.parametrize("scale", SCALES, ids=str)


def sized(bits: Bits, scale: tuple[float, float]) -> tuple[int, int]:
    return round(bits.shape[1] * scale[0]), round(bits.shape[0] * scale[1])


def enlarged(bits: Bits, width: int, height: int) -> Bits:
    """Each pixel takes the value of the one below its upper left corner."""
    rows = np.arange(height) * bits.shape[0] // height
    columns = np.arange(width) * bits.shape[1] // width
    made: Bits = bits[rows][:, columns]
    return made


def decoded(part: Part, width: int, height: int) -> Bits:
    values = np.arange(len(part.counts)) % 2 == 1
    made: Bits = np.repeat(values, part.counts).reshape(width, height).T
    return made


def made(bits: Bits, width: int, height: int) -> Part:
    return masks.part(Mask(bits, 0.9, 0.8), width, height)


@shapes
@scales
def test_run_lengths_decode_to_the_enlarged_mask(bits: Bits, scale: tuple[float, float]) -> None:
    width, height = sized(bits, scale)
    part = made(bits, width, height)
    expected = enlarged(bits, width, height)
    assert np.array_equal(decoded(part, width, height), expected)
    assert part.area == expected.sum()


@shapes
@scales
def test_only_the_first_run_may_be_empty(bits: Bits, scale: tuple[float, float]) -> None:
    counts = made(bits, *sized(bits, scale)).counts
    assert (counts[1:] > 0).all()
    assert (counts[0] == 0) == bits[0, 0]


@shapes
@scales
def test_the_box_is_the_smallest_one(bits: Bits, scale: tuple[float, float]) -> None:
    width, height = sized(bits, scale)
    ys, xs = np.nonzero(enlarged(bits, width, height))
    box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) if xs.size else (0, 0, 0, 0)
    assert made(bits, width, height).box == box


def test_a_known_mask_in_cocos_order() -> None:
    part = made(np.array([[True, False, False], [True, True, False]]), 3, 2)
    assert part.counts.tolist() == [0, 2, 1, 1, 2]
    assert (part.predicted_iou, part.stability) == (0.9, 0.8)


def drawn(part: Part, width: int, height: int, times: int) -> Bits:
    """The outer ring filled and the holes taken out, in pixels a `times`-th as large."""
    image = Image.new("1", (width * times, height * times))
    draw = ImageDraw.Draw(image)
    for ring, value in [(part.outer, 1), *((hole, 0) for hole in part.holes)]:
        draw.polygon([(x * times, y * times) for x, y in ring.tolist()], fill=value)
    return np.asarray(image)


@pytest.mark.parametrize("seed", range(12))
@scales
def test_rings_drawn_again_are_the_largest_piece_but_for_its_border(
    seed: int, scale: tuple[float, float]
) -> None:
    bits = largest_piece(blob(seed))
    width, height = sized(bits, scale)
    part = made(blob(seed), width, height)
    again = drawn(part, width, height, times=4)
    expected = enlarged(bits, width, height).repeat(4, 0).repeat(4, 1)
    far = ~near_border(expected, reach=4 * (int(max(scale)) + 1))
    assert far.any()
    assert np.array_equal(again[far], expected[far])


def largest_piece(bits: Bits) -> Bits:
    """By flooding from every pixel that is left."""
    left, largest = bits.copy(), np.zeros_like(bits)
    while left.any():
        piece = np.zeros_like(bits)
        piece.flat[left.argmax()] = True
        while True:
            grown = piece.copy()
            grown[1:] |= piece[:-1]
            grown[:-1] |= piece[1:]
            grown[:, 1:] |= piece[:, :-1]
            grown[:, :-1] |= piece[:, 1:]
            grown &= bits
            if np.array_equal(grown, piece):
                break
            piece = grown
        left &= ~piece
        largest = max(largest, piece, key=lambda each: int(each.sum()))
    return largest


def near_border(bits: Bits, reach: int) -> Bits:
    """Pixels from which another value is at most `reach` away, across or down."""
    near = np.zeros_like(bits)
    for axis in (0, 1):
        for step in range(1, reach + 1):
            moved = np.roll(bits, step, axis) != bits
            near |= moved | np.roll(moved, -step, axis)
    return near


def test_holes_are_told_apart_and_islands_in_them_left_out() -> None:
    part = made(framed(), WIDTH, HEIGHT)
    assert len(part.holes) == 2
    assert box_of(part.outer) == (5, 5, 80, 60)
    assert sorted(map(box_of, part.holes)) == [(10, 10, 30, 30), (40, 40, 70, 50)]


def box_of(ring: np.ndarray) -> tuple[float, ...]:
    return (*ring.min(axis=0).tolist(), *ring.max(axis=0).tolist())


@pytest.mark.parametrize("bits", [SHAPES["full"], SHAPES["single pixel"]])
def test_points_on_a_line_are_dropped(bits: Bits) -> None:
    part = made(bits, WIDTH * 2, HEIGHT * 2)
    assert len(part.outer) == (8 if bits.all() else 4)
    assert part.holes == ()
    assert box_of(part.outer) == part.box


def test_an_empty_mask_has_no_rings() -> None:
    part = made(SHAPES["empty"], WIDTH, HEIGHT)
    assert part.outer.shape == (0, 2)
    assert (part.holes, part.area) == ((), 0)


@shapes
def test_rings_stay_within_the_picture(bits: Bits) -> None:
    width, height = sized(bits, (2.5, 3.5))
    part = made(bits, width, height)
    for ring in (part.outer, *part.holes):
        assert ((ring >= 0) & (ring <= (width, height))).all()

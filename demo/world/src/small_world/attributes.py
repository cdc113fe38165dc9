"""What can be said about a picture of the small world."""

from dataclasses import asdict, dataclass
from typing import Any

JEWELLERY = ("earrings", "necklace", "bracelet", "ring")
EVERYDAY = (
    "key",
    "spoon",
    "fork",
    "knife",
    "cup",
    "teapot",
    "vase",
    "bottle",
    "bell",
    "candlestick",
    "padlock",
    "scissors",
    "comb",
    "mirror",
    "glasses",
    "watch",
    "crown",
    "buckle",
    "box",
    "frame",
)
TYPES = JEWELLERY + EVERYDAY
METALS = ("gold", "silver", "rose gold", "black")
STONES = ("red", "blue", "green", "white", "none")
STONE_SHAPES = ("round", "square", "drop", "marquise")
STONE_COUNTS = (1, 2, 3, 5)
PAIR_STONE_COUNTS = (2, 4, 6)
"""Of a pair of earrings: as many on each."""
STYLES = ("classic", "modern", "ornate")
TEXTURES = ("polished", "brushed", "hammered", "ribbed")
BACKGROUNDS = (
    "white",
    "grey",
    "black",
    "pink",
    "mint",
    "marble",
    "wood",
    "velvet",
    "linen",
    "sand",
)
LIGHTS = ("neutral", "warm", "cool")
SHADOWS = ("soft", "hard", "none")
CLUTTERS = ("none", "pebbles", "petals", "confetti")


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing; `build` seeds the proportions that no word names.

    `stone_count` is 0 and `stone_shape` is "none" where `stone` is "none".
    """

    type: str
    metal: str
    stone: str
    stone_count: int
    stone_shape: str
    style: str
    texture: str
    build: int


@dataclass(frozen=True, slots=True)
class Pose:
    """How a piece lies: `turn` and `tilt` in degrees, the rest in parts of the picture's side."""

    turn: float
    tilt: float
    scale: float
    x: float
    y: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Staging:
    """All round the piece; `light_angle` in degrees, `grain` seeds what no word names."""

    background: str
    light: str
    light_angle: float
    brightness: float
    shadow: str
    clutter: str
    grain: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture before it is drawn: the same scene gives the same pixels."""

    piece: Piece
    pose: Pose
    staging: Staging

    def attributes(self) -> dict[str, Any]:
        """Everything by name, ready for JSON."""
        return asdict(self)

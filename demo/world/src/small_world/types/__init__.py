"""How each type of thing is built."""

from collections.abc import Callable, Mapping

from small_world.form import Form
from small_world.types import house, jewellery, table, tools, wear

Builder = Callable[[Form], None]

BUILDERS: Mapping[str, Builder] = {
    "earrings": jewellery.earrings,
    "necklace": jewellery.necklace,
    "bracelet": jewellery.bracelet,
    "ring": jewellery.ring,
    "spoon": table.spoon,
    "fork": table.fork,
    "knife": table.knife,
    "cup": table.cup,
    "teapot": table.teapot,
    "vase": table.vase,
    "bottle": table.bottle,
    "candlestick": house.candlestick,
    "box": house.box,
    "bell": house.bell,
    "key": tools.key,
    "padlock": tools.padlock,
    "scissors": tools.scissors,
    "comb": tools.comb,
    "mirror": tools.mirror,
    "frame": tools.frame,
    "glasses": wear.glasses,
    "watch": wear.watch,
    "crown": wear.crown,
    "buckle": wear.buckle,
}
"""By type, in no particular order."""

"""The words for each value of each attribute, the usual one first."""

TYPES: dict[str, tuple[str, ...]] = {
    "earrings": ("earrings", "pair of earrings"),
    "necklace": ("necklace", "pendant necklace"),
    "bracelet": ("bracelet", "bangle"),
    "ring": ("ring", "finger ring"),
    "key": ("key",),
    "spoon": ("spoon",),
    "fork": ("fork",),
    "knife": ("knife",),
    "cup": ("cup", "goblet"),
    "teapot": ("teapot",),
    "vase": ("vase",),
    "bottle": ("bottle", "flask"),
    "bell": ("bell", "hand bell"),
    "candlestick": ("candlestick", "candelabra"),
    "padlock": ("padlock", "lock"),
    "scissors": ("scissors", "pair of scissors"),
    "comb": ("comb", "hair comb"),
    "mirror": ("mirror", "hand mirror"),
    "glasses": ("glasses", "pair of glasses", "spectacles"),
    "watch": ("watch", "wristwatch"),
    "crown": ("crown",),
    "buckle": ("buckle", "belt buckle"),
    "box": ("box", "casket"),
    "frame": ("frame", "picture frame"),
}
PLURALS = frozenset({"earrings", "scissors", "glasses", "spectacles"})
KINDS: dict[str, tuple[str, ...]] = {
    "jewellery": ("jewellery", "jewelry", "piece of jewellery"),
    "everyday": ("everyday thing", "object for everyday use"),
}
METALS: dict[str, tuple[str, ...]] = {
    "gold": ("gold", "golden", "yellow gold"),
    "silver": ("silver", "silvery"),
    "rose gold": ("rose gold", "pink gold"),
    "black": ("black", "black metal"),
}
METAL_NOUNS = {"gold": "gold", "silver": "silver", "rose gold": "rose gold", "black": "black metal"}
GEMS = {"red": "ruby", "blue": "sapphire", "green": "emerald", "white": "diamond"}
PLURAL_GEMS = {"red": "rubies", "blue": "sapphires", "green": "emeralds", "white": "diamonds"}
STONE_COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("red",),
    "blue": ("blue",),
    "green": ("green",),
    "white": ("white", "clear"),
}
BARE = ("without stones", "with no stones", "without any stone", "without gems")
SHAPES: dict[str, tuple[str, ...]] = {
    "round": ("round",),
    "square": ("square", "square-cut"),
    "drop": ("drop-shaped", "pear-shaped"),
    "marquise": ("marquise", "marquise-cut"),
}
NUMBERS: dict[int, tuple[str, ...]] = {
    1: ("a", "a", "one", "a single", "1"),
    2: ("two", "2"),
    3: ("three", "3"),
    4: ("four", "4"),
    5: ("five", "5"),
    6: ("six", "6"),
}
STYLES: dict[str, tuple[str, ...]] = {
    "classic": ("classic", "traditional"),
    "modern": ("modern", "angular"),
    "ornate": ("ornate", "beaded"),
}
TEXTURES: dict[str, tuple[str, ...]] = {
    "polished": ("polished", "shiny"),
    "brushed": ("brushed", "matte"),
    "hammered": ("hammered",),
    "ribbed": ("ribbed", "grooved"),
}
BACKGROUNDS: dict[str, tuple[str, ...]] = {
    "white": ("on a white background", "on white"),
    "grey": ("on a grey background", "on grey"),
    "black": ("on a black background", "on black"),
    "pink": ("on a pink background", "on pink"),
    "mint": ("on a mint background", "on a light green background"),
    "marble": ("on marble", "on a marble table"),
    "wood": ("on wood", "on a wooden table"),
    "velvet": ("on velvet", "on purple velvet"),
    "linen": ("on linen", "on cloth"),
    "sand": ("on sand", "lying in the sand"),
}
OPENINGS = ("", "", "", "a photo of ", "a picture of ", "a close-up of ")
"""Before a noun with its article."""

"""What CLIP reads for a label: several wordings, whose mean is steadier than any of them."""

TEMPLATES = (
    "a photo of {indefinite}.",
    "a photo of the {noun}.",
    "a photo of {noun}.",
    "a close-up photo of {indefinite}.",
    "a picture of {indefinite}.",
)
NEUTRAL = ""
"""In place of a label: the prompts name nothing."""

_NEUTRAL_PROMPTS = ("a photo.", "a photo.", "a photo.", "a close-up photo.", "a picture.")
_ARTICLES = frozenset({"a", "an", "the"})
_PREPOSITIONS = frozenset({"at", "by", "for", "from", "in", "of", "on", "under", "with"})
_PLURALS = frozenset({"children", "feet", "geese", "men", "mice", "people", "teeth", "women"})
_SINGULARS = frozenset({"atlas", "canvas", "christmas", "gas", "lens", "rhinoceros"})
_SINGULAR_ENDINGS = ("ss", "us", "is")
_MASS = frozenset(
    """
    bread broccoli butter calligraphy cheese clothing coffee corn cotton denim fabric fire food
    footwear fruit fur furniture garlic glassware gold grass handwriting honey ice jewellery jewelry
    juice knitwear lace leather lightning lingerie linen lipstick luggage makeup marble meat milk
    money moss mud music paper pasta platinum popcorn pottery rain rice sand seafood silk silver
    smoke snow soap sportswear steel sushi swimwear tableware tea text toast underwear velvet water
    wine wood wool
    """.split()
)
_SOUNDED = ("heir", "hono", "hour", "mp3", "suv", "x-ray")
"""A vowel to the ear, whatever the first letter."""
_UNSOUNDED = ("eu", "one", "ufo", "uke", "uku", "uni", "usb", "use", "ute")


def prompts(label: str) -> tuple[str, ...]:
    """One prompt per template; the neutral ones for NEUTRAL."""
    if label == NEUTRAL:
        return _NEUTRAL_PROMPTS
    article, noun = _split(" ".join(label.split()))
    indefinite = f"{article or _article(noun)} {noun}".strip()
    return tuple(template.format(indefinite=indefinite, noun=noun) for template in TEMPLATES)


def _split(label: str) -> tuple[str, str]:
    """The article that a label brings along, and the rest."""
    first, _, rest = label.partition(" ")
    return (first, rest) if rest and first.lower() in _ARTICLES else ("", label)


def _article(noun: str) -> str:
    """A or an; nothing before plurals and what is not counted."""
    words = noun.lower().split()
    end = next((place for place, word in enumerate(words) if word in _PREPOSITIONS), len(words))
    head = words[max(end, 1) - 1]
    if head in _MASS or _is_plural(head) or words[0] in _PLURALS:
        return ""
    sounded = words[0].startswith(_SOUNDED) or (
        words[0].startswith(tuple("aeiou")) and not words[0].startswith(_UNSOUNDED)
    )
    return "an" if sounded else "a"


def _is_plural(word: str) -> bool:
    if word in _PLURALS:
        return True
    return word.endswith("s") and not word.endswith(_SINGULAR_ENDINGS) and word not in _SINGULARS

"""Colours of metals, stones and flat materials as ramps from shade to glint."""

import numpy as np
from numpy.typing import NDArray

Ramp = NDArray[np.uint8]
"""256 × 3: the colour at each brightness."""

Colour = tuple[int, int, int]

_METALS: dict[str, tuple[Colour, ...]] = {
    "gold": ((66, 38, 2), (164, 110, 16), (228, 176, 46), (255, 224, 120), (255, 252, 230)),
    "silver": ((52, 56, 64), (124, 130, 140), (186, 192, 202), (228, 232, 238), (255, 255, 255)),
    "rose gold": ((84, 34, 28), (176, 96, 84), (226, 148, 132), (250, 196, 182), (255, 244, 238)),
    "black": ((4, 4, 6), (22, 22, 26), (52, 52, 58), (118, 120, 130), (226, 229, 236)),
}
_STONES: dict[str, tuple[Colour, ...]] = {
    "red": ((64, 0, 8), (142, 4, 24), (212, 18, 44), (248, 84, 98), (255, 226, 228)),
    "blue": ((2, 8, 76), (8, 34, 152), (24, 78, 222), (98, 154, 252), (224, 238, 255)),
    "green": ((0, 44, 16), (0, 98, 42), (10, 160, 76), (82, 214, 136), (222, 255, 234)),
    "white": ((58, 78, 122), (140, 168, 214), (220, 234, 252), (246, 251, 255), (255, 255, 255)),
}
_FLAT: dict[str, tuple[Colour, ...]] = {
    "dark": ((12, 10, 10), (24, 22, 22), (36, 34, 34), (50, 48, 48), (90, 88, 88)),
    "pale": ((132, 116, 92), (180, 166, 138), (216, 204, 178), (237, 229, 209), (252, 248, 238)),
}
_STOPS = (0, 70, 140, 205, 255)


def _ramp(colours: tuple[Colour, ...]) -> Ramp:
    channels = np.array(colours, np.float64).T
    steps = [np.interp(np.arange(256), _STOPS, channel) for channel in channels]
    return np.stack(steps, axis=1).astype(np.uint8)


METAL_RAMPS = {name: _ramp(colours) for name, colours in _METALS.items()}
STONE_RAMPS = {name: _ramp(colours) for name, colours in _STONES.items()}
FLAT_RAMPS = {name: _ramp(colours) for name, colours in _FLAT.items()}

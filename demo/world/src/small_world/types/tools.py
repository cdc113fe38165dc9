"""Things of hand and wall."""

from small_world.form import DARK, PALE, Form
from small_world.outlines import arc


def key(form: Form) -> None:
    """A bow, a shaft and a bit."""
    bow = form.vary(0.26, 0.32)
    form.sheet(bevel=0.05)
    form.bar((0, -0.3), (0, 0.92), 0.13)
    for y in (0.56, 0.76):
        form.polygon((0, y), (form.vary(0.26, 0.36), y), (0.3, y + 0.12), (0, y + 0.12))
    form.sheet(bevel=0.06)
    form.loop((0, -0.58), bow, bow, 0.14)
    form.row([(0, -0.22), (0, 0.46)], 0.09)


def padlock(form: Form) -> None:
    """A body with a keyhole and a shackle."""
    half = form.vary(0.52, 0.6)
    form.sheet(bevel=0.06)
    form.band(
        [(-half * 0.66, 0.1), *arc((0, -0.36), half * 0.66, 0.46, 180, 360), (half * 0.66, 0.1)],
        0.16,
    )
    form.sheet(bevel=0.1)
    form.polygon(
        (-half, -0.08),
        (half, -0.08),
        (half, 0.66),
        (half * 0.7, 0.9),
        (-half * 0.7, 0.9),
        (-half, 0.66),
    )
    form.sheet(DARK, bevel=0.02)
    form.ellipse((0, 0.46), 0.09, 0.09)
    form.polygon((-0.05, 0.48), (0.05, 0.48), (0.08, 0.74), (-0.08, 0.74))
    form.row([(-half * 0.86, 0.14), (half * 0.86, 0.14)], 0.095)


def scissors(form: Form) -> None:
    """Two crossed blades with finger loops."""
    spread = form.vary(0.26, 0.34)
    for side in (-1, 1):
        form.sheet(bevel=0.04)
        form.polygon(
            (-side * 0.06, 0.12),
            (side * 0.08, 0.02),
            (side * spread, -0.94),
            (side * (spread - 0.14), -0.86),
        )
        form.band([(0, 0), (-side * 0.16, 0.24), (-side * 0.3, 0.44)], 0.11)
        form.sheet(bevel=0.05)
        form.loop((-side * 0.38, 0.66), 0.22, 0.24, 0.1)
    form.row([(0.02, 0.04), (spread - 0.06, -0.88)], 0.105)


def comb(form: Form) -> None:
    """A back with many teeth."""
    deep = form.vary(0.34, 0.42)
    form.sheet(bevel=0.04)
    for number in range(11):
        x = -0.8 + 1.6 * number / 10
        form.bar((x, -0.1), (x, 0.56), 0.075, taper=0.7)
    form.sheet(bevel=0.07)
    form.polygon((-0.9, 0.0), *arc((0, -0.1), 0.9, deep, 180, 360), (0.9, 0.0))
    form.row([(-0.62, -0.18), (0.62, -0.18)], 0.095)


def mirror(form: Form) -> None:
    """A hand mirror: a rim, glass, a handle."""
    half = form.vary(0.46, 0.54)
    form.sheet(bevel=0.05)
    form.bar((0, 0.2), (0, 0.94), 0.14, taper=1.6)
    form.sheet(bevel=0.06)
    form.ellipse((0, -0.34), half + 0.08, 0.6)
    form.sheet(PALE, bevel=0.03)
    form.ellipse((0, -0.34), half - 0.08, 0.46)
    form.row([(0, 0.28), (0, 0.92)], 0.085)


def frame(form: Form) -> None:
    """A picture frame with an empty sheet in it."""
    wide, high = form.vary(0.62, 0.72), form.vary(0.78, 0.86)
    form.sheet(bevel=0.06)
    form.polygon((-wide, -high), (wide, -high), (wide, high), (-wide, high))
    form.sheet(PALE, bevel=0.02)
    inner = 0.22
    form.polygon(
        (inner - wide, inner - high),
        (wide - inner, inner - high),
        (wide - inner, high - inner),
        (inner - wide, high - inner),
    )
    form.row([(-wide * 0.9, high - 0.11), (wide * 0.9, high - 0.11)], 0.095)

"""Things that are worn and are no jewellery."""

from small_world.form import DARK, PALE, Form
from small_world.outlines import arc


def glasses(form: Form) -> None:
    """Spectacles from the front: two rims, a bridge, the hinges."""
    half = form.vary(0.32, 0.37)
    form.sheet(PALE, bevel=0.03)
    for side in (-0.5, 0.5):
        form.ellipse((side, 0.05), half, half * 0.86)
    form.sheet(bevel=0.04)
    for side in (-0.5, 0.5):
        form.loop((side, 0.05), half, half * 0.86, 0.1)
    form.sheet(bevel=0.04)
    form.band(arc((0, 0.02), 0.17, 0.15, 180, 360), 0.09)
    form.band([(-0.84, -0.1), (-0.96, -0.16), (-0.98, -0.36)], 0.09)
    form.band([(0.84, -0.1), (0.96, -0.16), (0.98, -0.36)], 0.09)
    rims = [arc((side, 0.05), half, half * 0.86, 215, 325) for side in (-0.5, 0.5)]
    form.row([point for rim in rims for point in rim], 0.09)


def watch(form: Form) -> None:
    """A wrist watch: a strap of links, a case, a dial with hands."""
    half = form.vary(0.4, 0.48)
    form.sheet(bevel=0.04)
    for number in range(9):
        y = -0.88 + 0.22 * number
        width = 0.26 - 0.012 * abs(number - 4)
        form.polygon((-width, y - 0.09), (width, y - 0.09), (width, y + 0.09), (-width, y + 0.09))
    form.sheet(bevel=0.07)
    form.ellipse((0, 0), half + 0.08, half + 0.08)
    form.bar((half, 0), (half + 0.16, 0), 0.12)
    form.sheet(PALE, bevel=0.02)
    form.ellipse((0, 0), half - 0.06, half - 0.06)
    form.sheet(DARK, bevel=0.01)
    form.bar((0, 0.04), (0.0, -0.3), 0.05)
    form.bar((-0.02, 0), (0.2, 0.08), 0.06)
    spread = {2: 32, 3: 55, 5: 80}.get(form.stones, 1)
    form.row(arc((0, 0), half + 0.02, half + 0.02, 270 - spread, 270 + spread), 0.09)


def crown(form: Form) -> None:
    """Points with balls over a band."""
    top = form.vary(0.5, 0.64)
    points = [
        (-0.84, 0.3),
        (-0.92, -top),
        (-0.5, -0.02),
        (0.0, -top - 0.14),
        (0.5, -0.02),
        (0.92, -top),
        (0.84, 0.3),
    ]
    form.sheet(bevel=0.06)
    form.polygon(*points)
    for x, y in (points[1], points[3], points[5]):
        form.ellipse((x * 0.99, y), 0.09, 0.09)
    form.sheet(bevel=0.06)
    form.polygon((-0.86, 0.24), (0.86, 0.24), (0.82, 0.62), (-0.82, 0.62))
    form.row([(-0.74, 0.43), (0.74, 0.43)], 0.105)


def buckle(form: Form) -> None:
    """A square belt buckle with its prong."""
    half = form.vary(0.62, 0.7)
    form.sheet(bevel=0.07)
    form.polygon((-half, -half * 0.9), (half, -half * 0.9), (half, half * 0.9), (-half, half * 0.9))
    inner = half - 0.2
    form.hole(form.round((0, 0), inner, inner * 0.86))
    form.sheet(bevel=0.05)
    form.bar((-half, 0), (half * 1.05, 0), 0.13, taper=0.7)
    form.row([(-half * 0.94, -half * 0.76), (half * 0.94, -half * 0.76)], 0.09)

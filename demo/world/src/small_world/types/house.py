"""Things of the house."""

from small_world.form import Form
from small_world.outlines import arc


def candlestick(form: Form) -> None:
    """Three arms with holders on a stem with a broad foot."""
    reach = form.vary(0.52, 0.62)
    form.sheet(bevel=0.05)
    form.band(arc((0, -0.35), reach, 0.42, 0, 180), 0.1)
    for x, top in ((-reach, -0.36), (0, -0.5), (reach, -0.36)):
        form.polygon(
            (x - 0.15, top), (x + 0.15, top), (x + 0.09, top + 0.13), (x - 0.09, top + 0.13)
        )
        form.bar((x, top - 0.4), (x, top), 0.13)
    form.sheet(bevel=0.06)
    form.lathe(
        [
            (0.06, -0.4),
            (0.06, 0.1),
            (0.13, 0.2),
            (0.06, 0.32),
            (0.08, 0.66),
            (0.4, 0.8),
            (0.42, 0.92),
        ]
    )
    form.row(arc((0, -0.35), reach, 0.42, 170, 10), 0.085)


def box(form: Form) -> None:
    """A casket with a vaulted lid and a clasp."""
    half = form.vary(0.72, 0.82)
    form.sheet(bevel=0.06)
    form.polygon((-half, -0.05), (half, -0.05), (half * 0.94, 0.66), (-half * 0.94, 0.66))
    form.sheet(bevel=0.09)
    form.polygon(*arc((0, -0.12), half + 0.04, form.vary(0.42, 0.5), 180, 360))
    form.sheet(bevel=0.03)
    form.polygon(
        (-half - 0.04, -0.12), (half + 0.04, -0.12), (half + 0.04, -0.02), (-half - 0.04, -0.02)
    )
    form.polygon((-0.1, -0.2), (0.1, -0.2), (0.1, 0.12), (-0.1, 0.12))
    form.row([(-half * 0.8, 0.34), (half * 0.8, 0.34)], 0.105)


def bell(form: Form) -> None:
    """A hand bell with a handle and a clapper."""
    mouth = form.vary(0.6, 0.7)
    form.sheet(bevel=0.05)
    form.ellipse((0, 0.78), 0.13, 0.13)
    form.loop((0, -0.72), 0.17, 0.17, 0.1)
    form.sheet(bevel=0.12)
    form.lathe(
        [(0.1, -0.56), (0.3, -0.42), (0.36, -0.05), (0.46, 0.4), (mouth, 0.62), (mouth, 0.7)]
    )
    form.row([(-0.38, 0.34), (0.38, 0.34)], 0.095)

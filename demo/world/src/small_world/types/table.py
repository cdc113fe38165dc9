"""Things of the table."""

from small_world.form import DARK, Form
from small_world.outlines import arc


def spoon(form: Form) -> None:
    """An oval bowl on a stem."""
    form.sheet(bevel=0.05)
    form.bar((0, -0.2), (0, 0.92), form.vary(0.09, 0.12), taper=2.0)
    form.sheet(bevel=0.09)
    width = form.vary(0.26, 0.32)
    form.ellipse((0, -0.5), width, 0.42)
    form.sheet(bevel=0.1)
    form.ellipse((0, -0.5), width * 0.72, 0.31)
    form.row([(0, 0.1), (0, 0.88)], 0.085)


def fork(form: Form) -> None:
    """Four tines on a stem."""
    form.sheet(bevel=0.05)
    form.bar((0, -0.3), (0, 0.92), form.vary(0.09, 0.12), taper=2.0)
    half = form.vary(0.25, 0.3)
    for number in range(4):
        x = -half + 2 * half * number / 3
        form.bar((x, -0.9), (x, -0.45), 0.085, taper=1.2)
    form.polygon(
        (-half - 0.05, -0.5), (half + 0.05, -0.5), (half * 0.7, -0.22), (-half * 0.7, -0.22)
    )
    form.row([(0, 0.1), (0, 0.88)], 0.085)


def knife(form: Form) -> None:
    """A broad blade with a curved edge on a handle."""
    form.sheet(bevel=0.05)
    width = form.vary(0.26, 0.32)
    form.polygon(
        (-0.08, 0.18), (-0.08, -0.92), (0.06, -0.84), (width, -0.5), (width, 0.12), (0.1, 0.18)
    )
    form.sheet(bevel=0.08)
    form.bar((0, 0.18), (0, 0.94), form.vary(0.2, 0.24))
    form.row([(0, 0.24), (0, 0.9)], 0.085)


def cup(form: Form) -> None:
    """A goblet: bowl, stem, foot."""
    rim, deep = form.vary(0.46, 0.56), form.vary(0.1, 0.2)
    form.sheet(bevel=0.1)
    form.lathe(
        [
            (rim, -0.8),
            (rim, -0.5),
            (rim * 0.9, -0.1),
            (0.12, deep),
            (0.07, 0.4),
            (0.09, 0.68),
            (0.4, 0.82),
            (0.42, 0.92),
        ]
    )
    form.sheet(DARK, bevel=0.04)
    form.ellipse((0, -0.8), rim * 0.9, 0.1)
    form.row([(-rim * 0.8, -0.38), (rim * 0.8, -0.38)], 0.1)


def teapot(form: Form) -> None:
    """A round belly with spout, handle and lid."""
    belly = form.vary(0.46, 0.52)
    form.sheet(bevel=0.05)
    form.band([(0.3, 0.35), (0.6, 0.2), (0.7, -0.15), (0.92, -0.34)], 0.2, taper=0.6)
    form.band(arc((-belly - 0.02, 0.1), 0.32, 0.34, 80, 280), 0.1)
    form.sheet(bevel=0.12)
    form.ellipse((0, 0.18), belly + 0.08, belly)
    form.sheet(bevel=0.06)
    form.lathe([(0.06, -0.62), (0.1, -0.52), (0.05, -0.44), (0.26, -0.36), (0.32, -0.24)])
    form.row([(-belly * 0.78, 0.18), (belly * 0.78, 0.18)], 0.1)


def vase(form: Form) -> None:
    """A belly that narrows to a neck and flares to a lip."""
    belly = form.vary(0.46, 0.56)
    form.sheet(bevel=0.12)
    form.lathe(
        [
            (0.34, -0.92),
            (0.2, -0.72),
            (0.18, -0.5),
            (belly, -0.08),
            (belly * 0.9, 0.4),
            (0.26, 0.84),
            (0.3, 0.92),
        ]
    )
    form.sheet(DARK, bevel=0.03)
    form.ellipse((0, -0.9), 0.28, 0.05)
    form.row([(-belly * 0.8, 0.14), (belly * 0.8, 0.14)], 0.1)


def bottle(form: Form) -> None:
    """A flask with straight shoulders, a neck and a stopper."""
    half = form.vary(0.34, 0.42)
    form.sheet(bevel=0.1)
    form.polygon(
        (-half, 0.9),
        (-half, -0.15),
        (-0.13, -0.4),
        (-0.13, -0.62),
        (0.13, -0.62),
        (0.13, -0.4),
        (half, -0.15),
        (half, 0.9),
    )
    form.sheet(bevel=0.06)
    form.polygon((-0.19, -0.6), (-0.19, -0.7), (0.19, -0.7), (0.19, -0.6))
    form.ellipse((0, -0.82), 0.14, 0.14)
    form.row([(0, -0.12), (0, 0.84)] if form.stones > 2 else [(0, 0), (0, 0.66)], 0.095)

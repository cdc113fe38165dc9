"""Earrings, necklaces, bracelets and rings."""

import numpy as np

from small_world.form import Form, Seat
from small_world.outlines import along, arc


def ring(form: Form) -> None:
    """A finger ring seen from the front: a band, a head, stones on the head."""
    radius, thickness = form.vary(0.58, 0.66), form.vary(0.13, 0.2)
    form.sheet(bevel=thickness * 0.4)
    form.loop((0, 0.3), radius, radius * 0.98, thickness)
    form.sheet(bevel=0.05)
    form.band(arc((0, 0.3), radius, radius * 0.98, 225, 315), thickness * 1.45)
    spread = {2: 24, 3: 38, 5: 58}.get(form.stones, 1)
    form.row(arc((0, 0.26), radius, radius, 270 - spread, 270 + spread), 0.125)


def earrings(form: Form) -> None:
    """A pair: a hook, a hoop or a disc, stones below or on it."""
    hoop = form.vary(0, 1) < 0.5
    size, middle = form.vary(0.24, 0.3), form.vary(0.0, 0.08)
    for side in (-0.5, 0.5):
        form.sheet(bevel=0.03)
        form.band(arc((side + 0.09, -0.66), 0.1, 0.2, 180, 380), 0.05)
        form.bar((side, -0.68), (side, middle - size), 0.05)
        form.sheet(bevel=0.05)
        if hoop:
            form.loop((side, middle), size, size * 1.1, 0.1)
        else:
            form.ellipse((side, middle), size * 0.85, size * 0.95)
        form.bar((side, middle + size), (side, middle + size + 0.12), 0.06)
        _hang(form, side, middle + size)


def _hang(form: Form, x: float, y: float) -> None:
    each = form.stones // 2
    size = {1: 0.19, 2: 0.145, 3: 0.115}.get(each, 0.1)
    for number in range(each):
        form.seats.append(Seat(x, y + 0.2 + number * size * 2.35 - (each - 1) * 0.06, size))


def necklace(form: Form) -> None:
    """A chain in a long curve with a pendant at its lowest point."""
    width, depth = form.vary(0.68, 0.82), form.vary(0.55, 0.72)
    curve = arc((0, -0.62), width, depth + 0.42, 0, 180)
    links = 34
    places = along(curve, np.arange(links) / (links - 1))
    bead = form.vary(0.045, 0.06)
    for start in (0, 1):
        form.sheet(bevel=0.03)
        for x, y in places[start::2]:
            form.ellipse((float(x), float(y)), bead, bead * (1.0 if start else 0.8))
    low = depth - 0.2
    form.sheet(bevel=0.05)
    pendant = form.vary(0.14, 0.2)
    form.ellipse((0, low + pendant * 0.8), pendant, pendant * 1.1)
    if form.stones == 1:
        form.seats.append(Seat(0, low + pendant * 0.85, 0.17))
    elif form.stones:
        spread = {2: 24, 3: 40, 5: 66}[form.stones]
        form.row(arc((0, -0.62), width, depth + 0.42, 90 + spread, 90 - spread), 0.115)


def bracelet(form: Form) -> None:
    """A wide cuff seen from above its front: an inner and an outer rim."""
    width, height = form.vary(0.82, 0.92), form.vary(0.42, 0.52)
    deep = form.vary(0.22, 0.3)
    form.sheet("dark", bevel=0.05)
    form.ellipse((0, -deep / 2), width, height)
    form.sheet(bevel=0.05)
    form.loop((0, -deep / 2), width, height, 0.08)
    form.sheet(bevel=0.09)
    upper = arc((0, -deep / 2), width, height, 0, 180)
    lower = arc((0, deep), width, height, 180, 0)
    form.polygon(*upper, *lower)
    span = {1: 0, 2: 20, 3: 32, 5: 52}.get(form.stones, 0)
    middle = arc((0, deep * 0.28), width * 0.96, height, 90 + span, 90 - span)
    form.row(middle, 0.12)

"""The shape of a piece: sheets of outlines in piece space, and seats for stones.

Piece space is the square from -1 to 1, x to the right, y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from small_world.outlines import Outline, Point, along, regular, smoothed

METAL, DARK, PALE = "metal", "dark", "pale"
"""Of a sheet: the piece's metal, a dark opening, or a pale inlay such as glass or a dial."""

BEAD_RADIUS = 0.052
BEAD_SPACING = 0.17
LONG_EDGE = 1.3
_CIRCLE, _HEXAGON = regular(48), regular(6)
_REACH = ((0.0, -1.9), (0.0, 1.9), (-1.15, -1.15), (1.15, -1.15), (-1.15, 1.15), (1.15, 1.15))
"""How far the longest and the broadest stones with their bezels reach from a seat, in radii."""


@dataclass(slots=True)
class Sheet:
    """Outlines of one material that merge into one surface with rounded edges."""

    material: str
    bevel: float
    outlines: list[Outline] = field(default_factory=list)
    holes: list[Outline] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a stone sits and its radius, in piece space."""

    x: float
    y: float
    radius: float


class Form:
    """Collects sheets from the lowest to the highest; all calls draw on the newest sheet."""

    def __init__(self, style: str, stones: int, random: np.random.Generator) -> None:
        self.style = style
        self.stones = stones
        self.random = random
        self.sheets: list[Sheet] = []
        self.seats: list[Seat] = []

    def vary(self, low: float, high: float) -> float:
        """A proportion of this build."""
        return float(self.random.uniform(low, high))

    def sheet(self, material: str = METAL, bevel: float = 0.06) -> None:
        """Begins a sheet above all others."""
        self.sheets.append(Sheet(material, bevel))

    def polygon(self, *corners: Point) -> None:
        """A filled polygon."""
        self.outline(np.array(corners, np.float64))

    def outline(self, outline: Outline) -> None:
        """A filled polygon from an array."""
        self.sheets[-1].outlines.append(outline)

    def hole(self, outline: Outline) -> None:
        """Cuts a polygon out of the sheet."""
        self.sheets[-1].holes.append(outline)

    def ellipse(self, centre: Point, width: float, height: float) -> None:
        """A filled ellipse of half-axes `width` and `height`; angular in the modern style."""
        self.outline(self.round(centre, width, height))

    def loop(self, centre: Point, width: float, height: float, thickness: float) -> None:
        """A closed band whose middle line is an ellipse."""
        half = thickness / 2
        self.outline(self.round(centre, width + half, height + half))
        self.hole(self.round(centre, width - half, height - half))

    def bar(self, start: Point, end: Point, thickness: float, taper: float = 1.0) -> None:
        """A straight bar; `taper` times as thick at its end."""
        self.band([start, end], thickness, taper)

    def band(self, points: Sequence[Point], thickness: float, taper: float = 1.0) -> None:
        """An open band along a line of points."""
        line = np.array(points, np.float64)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        half = thickness / 2 * np.linspace(1.0, taper, len(line))[:, None]
        self.outline(np.concatenate([line + across * half, (line - across * half)[::-1]]))

    def round(self, centre: Point, width: float, height: float) -> Outline:
        """The outline of an ellipse, a hexagon in the modern style."""
        circle = _HEXAGON if self.style == "modern" else _CIRCLE
        outline: Outline = circle * np.array([width, height]) + np.array(centre)
        return outline

    def lathe(self, profile: Sequence[Point]) -> None:
        """A body that is symmetric about x = 0: half-widths at heights, as (half-width, y)."""
        steps = np.array(profile, np.float64)
        if self.style != "modern":
            steps = smoothed(steps)
        left = steps * np.array([-1.0, 1.0])
        self.outline(np.concatenate([steps, left[::-1]]))

    def row(self, points: Sequence[Point], radius: float) -> None:
        """Seats for all stones, evenly along a line; fewer stones are larger, as far as fits."""
        if not self.stones:
            return
        places = (np.arange(self.stones) + 0.5) / self.stones
        line = along(points, places)
        size = radius * {1: 1.75, 2: 1.4, 3: 1.12}.get(self.stones, 1.0)
        if self.stones > 1:
            size = min(size, float(np.linalg.norm(line[1] - line[0])) * 0.52)
        self.seats.extend(Seat(float(x), float(y), size) for x, y in line)

    def finish(self) -> None:
        """Adds what the style asks for: beads along the edges in the ornate one."""
        if self.style == "ornate":
            plain = self.sheets
            self.sheets = []
            for sheet in plain:
                self.sheets.append(sheet)
                if sheet.material == METAL:
                    self._trim(sheet.outlines)
        self._fit()

    def _fit(self) -> None:
        """Moves and scales everything so that it just fits the circle of radius 1."""
        points = np.concatenate([each for sheet in self.sheets for each in sheet.outlines])
        reach = [
            (s.x + dx * s.radius, s.y + dy * s.radius) for s in self.seats for dx, dy in _REACH
        ]
        points = np.concatenate([points, np.array(reach).reshape(-1, 2)])
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        size = float(np.linalg.norm(points - middle, axis=1).max())
        for sheet in self.sheets:
            sheet.bevel /= size
            sheet.outlines = [(outline - middle) / size for outline in sheet.outlines]
            sheet.holes = [(hole - middle) / size for hole in sheet.holes]
        self.seats = [
            Seat((s.x - middle[0]) / size, (s.y - middle[1]) / size, s.radius / size)
            for s in self.seats
        ]

    def _trim(self, edges: list[Outline]) -> None:
        self.sheet(bevel=BEAD_RADIUS)
        for edge in edges:
            closed = np.concatenate([edge, edge[:1]])
            length = float(np.linalg.norm(np.diff(closed, axis=0), axis=1).sum())
            count = round(length / BEAD_SPACING) if length > LONG_EDGE else 0
            for x, y in along(closed, np.arange(count) / max(count, 1)):
                self.outline(self.round((float(x), float(y)), BEAD_RADIUS, BEAD_RADIUS))

"""Rounds of pictures: the bare pipeline and the served one, alone and with another."""

from dataclasses import dataclass

from bench.diffusion_drawing import Drawn, Picture, largest_difference, step_cost
from bench.load import Cost
from bench.raw_diffusion_process import RawDiffusion
from bench.served_diffusion import ServedDiffusion

# So many that the service draws a preview of each: the most that a step can cost there.
FEW_STEPS, MANY_STEPS = 7, 19


@dataclass(frozen=True, slots=True)
class Round:
    """A step of both sides, and how unlike their pictures are at most."""

    raw: Cost
    served: Cost
    largest_difference: int


@dataclass(frozen=True, slots=True)
class Wait:
    """A request that waited alone and two that waited together: first step to last answer."""

    one_ms: float
    two_ms: float
    largest_difference: int


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, each held while the other draws."""

    raw: RawDiffusion
    served: ServedDiffusion

    def round(self, number: int) -> Round:
        """Pictures of seeds of its own."""
        few, many = Picture(FEW_STEPS, 2 * number), Picture(MANY_STEPS, 2 * number)
        raw_first = number % 2 == 0
        drawn_few = self._both(few, raw_first=raw_first)
        drawn_many = self._both(many, raw_first=not raw_first)
        (raw_few, served_few), (raw_many, served_many) = drawn_few, drawn_many
        return Round(
            raw=step_cost(raw_few, raw_many),
            served=step_cost(served_few, served_many),
            largest_difference=largest_difference(
                [raw_few.pixels, raw_many.pixels], [served_few.pixels, served_many.pixels]
            ),
        )

    def wait(self, number: int) -> Wait:
        """One picture and two; the first of the two is compared with the raw one."""
        first, second = Picture(FEW_STEPS, 2 * number), Picture(FEW_STEPS, 2 * number + 1)
        raw = self.raw.draw(first)
        one, two = self.served.wait_together([first]), self.served.wait_together([first, second])
        unlike = largest_difference([raw.pixels], two.pixels[:1])
        return Wait(one.wall_ms, two.wall_ms, unlike)

    def _both(self, picture: Picture, *, raw_first: bool) -> tuple[Drawn, Drawn]:
        if raw_first:
            return self.raw.draw(picture), self.served.draw(picture)
        served = self.served.draw(picture)
        return self.raw.draw(picture), served

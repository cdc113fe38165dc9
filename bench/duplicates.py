"""`make bench-duplicates`: which tiers pictures of the small world and their variants land in.

Files go through the production fingerprinter and the production CLIP of the demo set. Recall is
that of pairs of an original and a variant of it. Precision sets those found against all pairs of
different pictures among all files, variants and look-alikes alike.

Thresholds were chosen on other pieces than those reported: BENCH_CALIBRATE=1 shows the choice.
"""

import asyncio
import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench import duplicate_pictures as pictures
from facetkit.images import ImageLimits
from search.adapters.fingerprints import PillowFingerprinter
from search.domain import Fingerprint, Tier, Vector
from search.duplicates import CALIBRATED, Thresholds, same_pixels, tier_of
from small_world import sampling
from vision_models import demo
from vision_models.embedding_family import prepare
from vision_models.models import clip, device

PIECES = int(os.environ.get("BENCH_PIECES", "200"))
CALIBRATE = os.environ.get("BENCH_CALIBRATE", "") == "1"
CALIBRATION, REPORT, SMALL = range(PIECES // 2), range(2000, 2000 + PIECES), range(4000, 4040)
SWEEP = {
    "cosine": (0.88, 0.90, 0.92),
    "picture": (0.25, 0.30, 0.40, 0.50),
    "near": (0.32, 0.36, 0.40, 0.44),
}
SEED = 11
PROCESSES = 2
CHUNK = 400
LIMITS = ImageLimits()

ORIGINAL, TWIN = "original", "same words, other proportions"
WHOLE, PARTS = "whole", "parts"
EXPECTED = {WHOLE: Tier.PICTURE, PARTS: Tier.NEAR}
"""By group of variants the last tier in which they ought to be found."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as the search knows it; files of equal `picture` show the same."""

    piece: int
    picture: str
    group: str
    name: str
    id: str
    prints: Fingerprint
    vector: Vector


Comparison = tuple[Fingerprint, Fingerprint, float]


def files_of(number: int, *, small: bool) -> Iterator[tuple[str, str, bytes]]:
    """Group, name and content of an original, its variants and its look-alikes."""
    random = np.random.default_rng((SEED, number))
    shown = pictures.small_on_white if small else (lambda scene: scene)
    scene = shown(sampling.scene(sampling.HELD_OUT, number))
    other_view = shown(sampling.scene(sampling.HELD_OUT, number, view=1))
    original = pictures.drawn(scene)
    groups = {
        WHOLE: pictures.same_pixels(original) | pictures.saved_anew(original),
        PARTS: pictures.retouched(original, random),
        "beyond": pictures.beyond(original, random),
        "look-alike": pictures.look_alikes(scene, other_view, random),
        "twin": {TWIN: pictures.twin(scene)},
    }
    yield ORIGINAL, ORIGINAL, original
    yield WHOLE, "same bytes", original
    for group, files in groups.items():
        for name, content in files.items():
            yield group, name, content


def take(numbers: Sequence[int], *, small: bool = False) -> list[Taken]:
    """All files of some pieces, fingerprinted and embedded by one thread."""
    torch.set_num_threads(1)
    weights = demo.weights_for("embedding", Path("var/bench"))
    embedder = clip.load(weights, device.place("cpu", "fp32"))
    fingerprinter = PillowFingerprinter(LIMITS, workers=1)
    taken = []
    for number in numbers:
        files = list(files_of(number, small=small))
        seen = [prepare(file[2], embedder.image_size, limits=LIMITS).pixels for file in files]
        for (group, name, content), vector in zip(files, embedder.embed_images(seen), strict=True):
            prints = asyncio.run(fingerprinter.fingerprint(content))
            file_id = hashlib.sha256(content).hexdigest()
            picture = shown_by(number, group, name)
            taken.append(Taken(number, picture, group, name, file_id, prints, vector))
    return taken


def shown_by(number: int, group: str, name: str) -> str:
    """What tells this file's picture from others."""
    other = group in ("look-alike", "twin") or name == "mirrored"
    return f"{number} {name}" if other else str(number)


def tiers_of(compared: Sequence[Comparison], thresholds: Thresholds) -> list[Tier | None]:
    """The decision of production."""
    return [tier_of(a, b, cosine, thresholds) for a, b, cosine in compared]


class Judge:
    """Decides on pairs in several processes."""

    def __init__(self, pool: ProcessPoolExecutor, thresholds: Thresholds = CALIBRATED) -> None:
        self._pool, self.thresholds = pool, thresholds

    def tiers(self, pairs: Sequence[tuple[Taken, Taken]]) -> list[Tier | None]:
        """The tier of each pair; BYTES where the files are the same."""
        compared = [(a.prints, b.prints, float(a.vector @ b.vector)) for a, b in pairs]
        chunks = [compared[start : start + CHUNK] for start in range(0, len(compared), CHUNK)]
        decided = self._pool.map(partial(tiers_of, thresholds=self.thresholds), chunks)
        flat = [tier for chunk in decided for tier in chunk]
        same = [a.id == b.id for a, b in pairs]
        return [Tier.BYTES if s else tier for s, tier in zip(same, flat, strict=True)]


def own_pairs(taken: Sequence[Taken]) -> list[tuple[Taken, Taken]]:
    """Each original with all else that was made of it or instead of it."""
    originals = {file.piece: file for file in taken if file.group == ORIGINAL}
    return [(originals[file.piece], file) for file in taken if file.group != ORIGINAL]


def all_pairs(taken: Sequence[Taken], *, same: bool, cosine: float) -> list[tuple[Taken, Taken]]:
    """All pairs of files that show the same, or not, and are so close; without the twins."""
    files = [file for file in taken if file.group != "twin" and file.name != "same bytes"]
    vectors = np.stack([file.vector for file in files])
    pairs = []
    for number, file in enumerate(files):
        near = np.flatnonzero(vectors[number + 1 :] @ file.vector >= cosine) + number + 1
        others = [files[other] for other in near]
        pairs += [(file, other) for other in others if (other.picture == file.picture) is same]
    return pairs


def recalls(taken: Sequence[Taken], judge: Judge) -> dict[Tier, float]:
    """By tier the share of the variants expected in it that are found in it or before it."""
    found: dict[Tier, list[bool]] = {}
    pairs = [pair for pair in own_pairs(taken) if pair[1].group in EXPECTED]
    for (_, file), tier in zip(pairs, judge.tiers(pairs), strict=True):
        last = EXPECTED[file.group]
        found.setdefault(last, []).append(tier is not None and tier <= last)
    return {tier: sum(each) / len(each) for tier, each in found.items()}


def counts(taken: Sequence[Taken], judge: Judge, *, same: bool) -> Counter[Tier | None]:
    """Tiers of all pairs of files that show the same, or of all others."""
    return Counter(judge.tiers(all_pairs(taken, same=same, cosine=judge.thresholds.cosine)))


def table(taken: Sequence[Taken], judge: Judge) -> str:
    """How many pairs with the original land where, by variant and look-alike."""
    pairs = own_pairs(taken)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for (original, file), tier in zip(pairs, judge.tiers(pairs), strict=True):
        place = tier.name.lower() if tier else "none"
        if tier is Tier.PICTURE and same_pixels(original.prints, file.prints):
            place = "same pixels"
        counts.setdefault((file.group, file.name), Counter())[place] += 1
    places = ("bytes", "same pixels", "picture", "near", "none")
    lines = [f"| | {' | '.join(places)} |", "|---" * (len(places) + 1) + "|"]
    for (_, name), count in counts.items():
        lines.append(f"| {name} | {' | '.join(str(count[place] or '') for place in places)} |")
    return "\n".join(lines)


def taken_of(pool: ProcessPoolExecutor, numbers: Sequence[int], *, small: bool) -> list[Taken]:
    """All files of all these pieces."""
    shares = [numbers[start::PROCESSES] for start in range(PROCESSES)]
    return [file for share in pool.map(partial(take, small=small), shares) for file in share]


def calibrate(pool: ProcessPoolExecutor) -> None:
    """One threshold at a time, the others as shipped."""
    taken = taken_of(pool, CALIBRATION, small=False)
    print(f"{len(CALIBRATION)} pieces, {len(taken)} files\n")
    print("| | picture: recall | wrong pairs | near: recall | wrong pairs |")
    print("|---|---|---|---|---|")
    for name, values in SWEEP.items():
        for value in values:
            judge = Judge(pool, replace(CALIBRATED, **{name: value}))
            wrong = counts(taken, judge, same=False)
            cells = [f"{share:.3f} | {wrong[t]}" for t, share in recalls(taken, judge).items()]
            print(f"| {name} {value:.2f} | {' | '.join(cells)} |")


def report(pool: ProcessPoolExecutor) -> None:
    """The shipped thresholds on other pieces."""
    judge = Judge(pool)
    print(CALIBRATED)
    for title, numbers in (("as rendered", REPORT), ("half as wide, on white", SMALL)):
        begun = time.monotonic()
        taken = taken_of(pool, numbers, small=numbers is SMALL)
        print(f"\n{title}: {len(numbers)} pieces, {len(taken)} files\n\n{table(taken, judge)}\n")
        right, wrong = (counts(taken, judge, same=same) for same in (True, False))
        print("| tier | recall | precision | right pairs | wrong pairs |\n|---|---|---|---|---|")
        for tier, share in recalls(taken, judge).items():
            precision = right[tier] / max(1, right[tier] + wrong[tier])
            name = tier.name.lower()
            print(f"| {name} | {share:.3f} | {precision:.4f} | {right[tier]} | {wrong[tier]} |")
        print(f"\n{time.monotonic() - begun:.0f} s")


def main() -> None:
    """Prints tables in markdown."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        (calibrate if CALIBRATE else report)(pool)


if __name__ == "__main__":
    main()

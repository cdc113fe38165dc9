// Which label belongs to which segment: detections know the box they are about.

const LEAST_OVERLAP = 0.9;

export const UNLABELLED = "unlabelled";

/** The label of the detection in the same place as `segment`. */
export function labelOf(segment, detections) {
  const overlaps = detections.map(({ box }) => overlap(box, segment.box));
  const best = Math.max(...overlaps, 0);
  return best >= LEAST_OVERLAP ? detections[overlaps.indexOf(best)].label : UNLABELLED;
}

/** What two boxes have in common, of all they cover: 0 to 1. */
function overlap(one, other) {
  const across = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const down = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  if (across <= 0 || down <= 0) return 0;
  const both = across * down;
  return both / (area(one) + area(other) - both);
}

const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);

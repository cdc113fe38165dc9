// Masks as run lengths: column by column, of 0 and 1 in turn, beginning with 0.

/**
 * Tells `onSpan` (x, top, bottom) of the set pixels of a mask when it is shown at width × height:
 * each shown pixel is that of the mask under its centre.
 */
export function eachSpan({ size: [rows, columns], counts }, { width, height }, onSpan) {
  const ends = endsOf(counts);
  let first = 0;
  for (let x = 0; x < width; x++) {
    const start = Math.floor(((x + 0.5) * columns) / width) * rows;
    while (first < ends.length && ends[first] <= start) first++;
    for (let run = first; run < ends.length; run++) {
      const from = Math.max(start, run ? ends[run - 1] : 0) - start;
      if (from >= rows) break;
      if (run % 2 === 0) continue;
      const top = shownRow(from, rows, height);
      const bottom = shownRow(Math.min(ends[run] - start, rows), rows, height);
      if (top < bottom) onSpan(x, top, bottom);
    }
  }
}

/** The first shown row whose centre lies at `row` or below it. */
const shownRow = (row, rows, height) => Math.ceil((row * height) / rows - 0.5);

function endsOf(counts) {
  let end = 0;
  return Float64Array.from(counts, (count) => (end += count));
}

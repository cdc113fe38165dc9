// Many pieces of work, a few at once.

/** Does `work` for each of `items`, in order, at most `limit` at once. */
export async function sideBySide(items, limit, work) {
  const left = [...items];
  const worker = async () => {
    while (left.length) await work(left.shift());
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

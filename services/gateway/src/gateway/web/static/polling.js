// Work that is done again and again while somebody can see its outcome.

/** Does `work` now, and every `everyS` seconds while the page is visible. */
export function whileVisible(work, everyS) {
  let timer = null;

  async function turn() {
    clearTimeout(timer);
    timer = null;
    if (document.hidden) return;
    await work();
    timer ??= setTimeout(turn, everyS * 1000);
  }

  document.addEventListener("visibilitychange", turn);
  turn();
}

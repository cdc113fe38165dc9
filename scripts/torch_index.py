"""Prints the given package index if it can be reached: pip waits long for one that cannot."""

import sys
import threading
import urllib.request

LIMIT_S = 3.0


def reachable(index: str) -> bool:
    """Whether the index answers for torch within the limit."""
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(f"{index.rstrip('/')}/torch/", method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=LIMIT_S).close()
        except (OSError, ValueError):
            return
        answered.set()

    # A thread, since the look-up of the name has no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(LIMIT_S)
    return answered.is_set()


if __name__ == "__main__":
    if reachable(sys.argv[1]):
        print(sys.argv[1])
    else:
        print(f"{sys.argv[1]} cannot be reached: torch comes with the rest", file=sys.stderr)

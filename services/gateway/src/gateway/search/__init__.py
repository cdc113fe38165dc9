"""Routes that search answers."""

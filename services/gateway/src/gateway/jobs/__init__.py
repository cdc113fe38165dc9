"""Routes of long work, whichever service does it."""

"""Routes that vision-models answers."""

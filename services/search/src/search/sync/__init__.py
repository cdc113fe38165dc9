"""Keeps the index in step with the object store, and with the wanted model."""

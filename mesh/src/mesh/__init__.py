"""Runs every process of the mesh on one machine and keeps it running."""

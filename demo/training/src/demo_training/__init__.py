"""Trains the demo models on the small world and measures them on what training never showed."""

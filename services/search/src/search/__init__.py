"""Stored images, found by picture and by words."""

"""Facet's one door: REST on the outside, gRPC on the inside."""

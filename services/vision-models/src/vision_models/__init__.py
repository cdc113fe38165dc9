"""Facet's neural networks behind gRPC, one service per family."""

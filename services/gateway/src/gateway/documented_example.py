"""The stored image that the documentation's examples name."""

EXAMPLE_KEY = "images/c46f4e737bba62ccf590ff9e9428363cccf351e3bc53d1d973e32676336d67b9.jpg"
"""Of examples/ring.jpg in the repository, which the first call of the README stores."""

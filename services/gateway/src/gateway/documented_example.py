"""The stored image that the documentation's examples name."""

EXAMPLE_KEY = "images/a47ca172513bd716ea0bb8511f72e29e5dccc0cc13858d11c6d00784688c4e9e.jpg"
"""Of examples/gold-ring-red-stones.jpg in the repository, which README's first call stores."""

"""Random captioners of the four real architectures, in the hub's layout, made in a second each."""

"""Registries are explicit dicts of import strings, loaded on use."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from facetkit.errors import InvalidInput


def load(registry: Mapping[str, str], name: str) -> Any:
    """The object that `registry` names as "module:attribute" under `name`.

    Raises InvalidInput for a name that is not in the registry.
    """
    if name not in registry:
        known = ", ".join(sorted(registry))
        raise InvalidInput(f"unknown name '{name}'; known: {known}")
    module, _, attribute = registry[name].partition(":")
    return getattr(import_module(module), attribute)

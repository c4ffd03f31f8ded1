"""A credential that cannot be printed by accident."""

from __future__ import annotations

import os

from .errors import ConfigurationError


class Secret:
    """A key or token. `reveal` gives it to whoever sends it; ``str``, ``repr`` and formatting never do."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value:
            raise ConfigurationError("a secret is empty: set its value, or leave the credential out")
        self._value = value

    @classmethod
    def from_env(cls, name: str) -> Secret:
        """Read it from the environment variable *name*, now.

        Raises:
            ConfigurationError: the variable is unset or empty.
        """
        value = os.environ.get(name, "")
        if not value:
            raise ConfigurationError(f"environment variable {name} is unset or empty: export it before starting")
        return cls(value)

    def reveal(self) -> str:
        """The credential itself, for the one place that puts it on the wire."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


def secret_or_none(value: Secret | str | None) -> Secret | None:
    """Converter: a string becomes a `Secret`; None stays.

    Raises:
        ConfigurationError: it is something else. The message does not show it.
    """
    given: object = value  # whatever the types promise
    if given is not None and not isinstance(given, str | Secret):
        raise ConfigurationError(f"a credential must be a Secret or a string, not {type(value).__name__}")
    return Secret(value) if isinstance(value, str) else value

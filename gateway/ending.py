"""How a command ends: what it exits with, and what it says when it could not do its work."""

from __future__ import annotations

import sys

FAILED, BAD_INPUT = 1, 2


def complain(command: str, told: object, code: int) -> int:
    """Say on standard error what went wrong, as it is, and give the exit code back."""
    print(f"paceline {command}: {told}", file=sys.stderr)
    return code

"""What installed packages offer by name, and how a plain table becomes an object.

    from paceline.router.plugins import Catalogue

    catalogue = Catalogue.installed()
    stack = catalogue.stack([{"kind": "retry"}, {"kind": "slots", "balancer": "peak-ewma", "max_wait_s": 5}])

A package offers things by entry points, in three groups: ``paceline.policies``, ``paceline.stacks`` and
``paceline.parts``. Ours stand in our own pyproject.toml in the same way, and have no privilege. Nothing of a package is
imported before it is asked for by name, and `paceline.router` does not import this one.

Names are strings here, at the edge where a configuration file is read. In a program, write ``Slots()``.
"""

from .catalogue import PARTS, POLICIES, STACKS, Catalogue
from .options import Table, build
from .plugin import Plugin
from .shelf import Shelf

__all__ = ["PARTS", "POLICIES", "STACKS", "Catalogue", "Plugin", "Shelf", "Table", "build"]

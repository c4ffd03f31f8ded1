"""One thing that an installed package offers by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import attrs


@attrs.frozen(kw_only=True)
class Plugin:
    """A name, who offers it, and where it is. Nothing of it is imported before `Shelf.load`.

    name: what a configuration file calls it, such as ``peak-ewma``.
    package, version: the distribution that offers it, as pip names it.
    entry: the entry point itself.
    """

    name: str
    package: str
    version: str
    entry: EntryPoint = attrs.field(repr=False)

    @classmethod
    def of(cls, entry: EntryPoint) -> Plugin:
        """The plugin that an entry point stands for."""
        package = entry.dist
        return cls(
            name=entry.name,
            package="an unnamed package" if package is None else package.name,
            version="?" if package is None else package.version,
            entry=entry,
        )

    @property
    def group(self) -> str:
        """The entry-point group it is offered in."""
        return self.entry.group

    def __str__(self) -> str:
        return f"{self.name!r} of {self.package} {self.version}"

"""Everything that is installed in one entry-point group, and how one of it is found by name.

Two packages may offer the same name, without knowing of each other. Which of them is meant is not guessed, not even
where one of them is ours: the name then has to be written with its package, as in ``acme/affinity``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points

from ..errors import AmbiguousPlugin, BrokenPlugin, UnknownPlugin
from .likely import did_you_mean
from .plugin import Plugin


class Shelf:
    """The plugins of one group.

    group: of entry points. noun: what one of them is, in messages. plugins: those there are.
    """

    __slots__ = ("_plugins", "group", "noun")

    def __init__(self, group: str, noun: str, plugins: Iterable[Plugin]) -> None:
        self.group = group
        self.noun = noun
        self._plugins = tuple(sorted(plugins, key=lambda plugin: (plugin.package, plugin.name)))

    @classmethod
    def installed(cls, group: str, noun: str) -> Shelf:
        """What is installed now. Reads the packages' metadata, and imports none of them."""
        return cls(group, noun, map(Plugin.of, entry_points(group=group)))

    def find(self, name: str) -> Plugin:
        """The plugin of this name.

        name: as it is offered; or with its package before it, as in ``acme/affinity``, where two offer it.

        Raises:
            UnknownPlugin: no installed package offers it.
            AmbiguousPlugin: more than one does.
        """
        package, _, bare = name.rpartition("/")
        found = [plugin for plugin in self if plugin.name == bare and package in {"", plugin.package}]
        if not found:
            meant = did_you_mean(bare, (plugin.name for plugin in self)) or "."
            raise UnknownPlugin(
                f"no {self.noun} is named {name!r}{meant} Installed: {self}. "
                f"A package offers one in its entry-point group {self.group!r}"
            )
        if len(found) > 1:
            packages = " and ".join(f"{plugin.package} {plugin.version}" for plugin in found)
            mend = " or ".join(repr(f"{plugin.package}/{bare}") for plugin in found)
            raise AmbiguousPlugin(
                f"the {self.noun} {bare!r} is offered by {packages}: say which, as {mend}, or uninstall the other"
            )
        return found[0]

    def load(self, plugin: Plugin) -> object:
        """Import what *plugin* stands for.

        Raises:
            BrokenPlugin: it is not where its package says, or raised while it was imported; kept as ``__cause__``.
        """
        try:
            return plugin.entry.load()
        except Exception as error:
            raise self.broken(
                plugin, f"cannot be imported from {plugin.entry.value!r}: {type(error).__name__}: {error}"
            ) from error

    def broken(self, plugin: Plugin, fault: str) -> BrokenPlugin:
        """The error that says what is wrong with *plugin*, and what else there is."""
        return BrokenPlugin(
            f"the {self.noun} {plugin} {fault}. Mend, upgrade or uninstall {plugin.package}. Installed: {self}",
            plugin=plugin,
        )

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def __str__(self) -> str:
        """By package: ``paceline 0.1.0: breaker, fallback; acme 1.2: affinity``."""
        by_package: dict[str, list[str]] = {}
        for plugin in self:
            by_package.setdefault(f"{plugin.package} {plugin.version}", []).append(plugin.name)
        return "; ".join(f"{package}: {', '.join(names)}" for package, names in by_package.items()) or "none"

"""From the tables of a file to the objects that they describe, with every mistake on the way noted where it stands.

`plugins.build` does the same for one table, and stops at the first that is wrong. Here a whole file is judged at once:
each value is read and checked alone, so that one mistake does not hide another, and an object is made of those tables
in which nothing is wrong. The classes' own validators have the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn, TypeVar, get_origin

import attrs

from ...router import Keys, Secret
from ...router.errors import ConfigurationError, PluginError
from ...router.plugins import Catalogue, Shelf
from ...router.plugins.likely import did_you_mean
from ...router.plugins.values import KIND, read
from ...router.plugins.wording import Misread, shown, words
from ..printable import printable
from . import environment
from .keys import VARIABLE, Form, Key, arms_of, described_by, in_seconds, keys_of
from .lines import Lines
from .mistake import Mistake, Place
from .shapes import as_list, as_table
from .wanted import are_names, element, fits, refusal

T = TypeVar("T")

NAMES = "names"
"""The key of a table of several secrets that lists their variables."""


class Noted(Exception):
    """Something could not be made, and why has been noted."""


class Reader:
    """One reading of one file.

    lines: of the file. catalogue: of what is there by name. environ: variables that hold secrets.
    mistakes: those found so far, in the order of the file's tables.
    """

    def __init__(self, lines: Lines, catalogue: Catalogue, environ: Mapping[str, str]) -> None:
        self._lines = lines
        self.catalogue = catalogue
        self.environ = environ
        self.mistakes: list[Mistake] = []

    # -- mistakes

    def wrong(self, at: Place, what: str) -> None:
        """Note a mistake."""
        told = environment.without_secrets(printable(what.strip()))
        self.mistakes.append(Mistake(place=str(at), wrong=told, line=self._lines.of(at.keys)))

    def give_up(self, at: Place, what: str) -> NoReturn:
        """Note a mistake that leaves nothing to go on with.

        Raises:
            Noted: always.
        """
        self.wrong(at, what)
        raise Noted

    # -- tables

    def table(self, given: object, at: Place) -> Mapping[str, object]:
        """*given*, if it is a table.

        Raises:
            Noted: it is none.
        """
        table = as_table(given)
        if table is None:
            self.give_up(at, f"must be a table, not {shown(given)}")
        return table

    def make(
        self,
        maker: Callable[..., T],
        given: object,
        at: Place,
        *,
        hidden: Collection[str] = (),
        beside: Mapping[str, object] | None = None,
    ) -> T:
        """What a table describes.

        maker: a class, or a function with annotated parameters. hidden: its options that this table does not give;
        beside: those of them that are known already.

        Raises:
            Noted: something was wrong with it.
        """
        before = len(self.mistakes)
        values = self.options(maker, self.table(given, at), at, hidden=hidden)
        if len(self.mistakes) > before:
            raise Noted
        return self.made(maker, {**values, **(beside or {})}, at)

    def made(
        self,
        maker: Callable[..., T],
        values: Mapping[str, object],
        at: Place,
        *,
        called: Mapping[str, str] | None = None,
    ) -> T:
        """What *maker* makes of options that are right one by one; together they may still be wrong.

        called: what options are called in the file, where that is not their own name.

        Raises:
            Noted: they are.
        """
        try:
            return maker(**values)
        except Exception as refused:  # noqa: BLE001  whatever a plugin raises, the file cannot be used
            told = str(refused.args[0] if refused.args else refused)
            if not isinstance(refused, ValueError | TypeError):
                told = f"cannot be made: {type(refused).__name__}: {told}"
            for option, name in (called or {}).items():
                told = re.sub(rf"\b{option}\b", name, told)
            self.give_up(at, told)

    def options(
        self,
        maker: Callable[..., object],
        table: Mapping[str, object],
        at: Place,
        *,
        hidden: Collection[str] = (),
        also: Collection[str] = (),
    ) -> dict[str, object]:
        """Those values of a table that are right. The other ones are noted, and what is unknown or missing.

        hidden: options that this table does not give by their names. also: keys that are read elsewhere.
        """
        keys = keys_of(maker, hidden)
        values: dict[str, object] = {}
        given_as: dict[str, str] = {}
        for name, value in table.items():
            if name in also:
                continue
            key = keys.get(name) or _fetched(name, value, keys)
            if key is None:
                self._unknown(name, keys, (*also, *keys), at)
                continue
            option = key.option.name
            if option in given_as:
                self.wrong(at.at(name), f"is given twice, by {given_as[option]} as well: keep one of them")
                continue
            given_as[option] = name
            try:
                values[option] = self._value_of(maker, key, value, at.at(name))
            except Noted:
                continue
        for key in keys.values():
            if key.option.required and key.option.name not in given_as:
                self.wrong(at, f"{key.name} is missing")
                given_as[key.option.name] = key.name
        return values

    def _unknown(self, name: str, keys: Mapping[str, Key], known: Collection[str], at: Place) -> None:
        """A key that is not there: perhaps a secret, perhaps something else was meant."""
        by_variable = keys.get(f"{name}{VARIABLE}")
        if by_variable is not None:
            self.wrong(
                at.at(name),
                "a secret does not belong into a file, and is not shown: put it into an environment variable, and that "
                f"variable's name into {by_variable.name}",
            )
            return
        hint = did_you_mean(name, known) or f"; there are {', '.join(known) or 'none'}"
        self.wrong(at.at(name), f"there is no such key{hint}")

    # -- values

    def option(self, maker: Callable[..., object], option: str, given: object, at: Place) -> object:
        """The value of one option, which the file calls otherwise.

        Raises:
            Noted: it is wrong.
        """
        return self._value_of(maker, keys_of(maker)[option], given, at)

    def _value_of(self, maker: Callable[..., object], key: Key, given: object, at: Place) -> object:
        try:
            wanted = key.option.wanted()
        except Misread as wrong:
            self.give_up(at, str(wrong))
        if key.form is Form.VARIABLE:
            value: object = self._secret(given, wanted, at)
        else:
            value = self.value(in_seconds(given) if key.form is Form.MILLISECONDS else given, wanted, at)
        against = refusal(maker, key.option.name, value)
        if against is not None:
            self.give_up(at, against.replace(f"not {value!r}", f"not {given!r}"))
        return value

    def value(self, given: object, wanted: Any, at: Place) -> object:
        """One value as what is wanted.

        Raises:
            Noted: it cannot be that.
        """
        table, several = as_table(given), as_list(given)
        if table is not None and KIND in table:
            return self.part(table, wanted, at)
        described, each = described_by(wanted), element(wanted)
        if table is not None and described is not None:
            return self.make(described, table, at)
        if several is not None and each is not None:
            return self._several(several, each, at)
        try:
            return read([given] if isinstance(given, str) and are_names(wanted) else given, wanted, self.catalogue)
        except (Misread, OverflowError) as wrong:
            self.give_up(*_placed(at, str(wrong) if isinstance(wrong, Misread) else " is too large a number"))
        except ConfigurationError as wrong:
            self.give_up(at, str(wrong))

    def _several(self, given: list[object], each: type, at: Place) -> tuple[object, ...]:
        before, made = len(self.mistakes), list[object]()
        for number, table in enumerate(given):
            try:
                made.append(self.make(each, table, at.at(number)))
            except Noted:
                continue
        if len(self.mistakes) > before:
            raise Noted
        return tuple(made)

    def _secret(self, given: object, wanted: Any, at: Place) -> object:
        """What one variable holds, or several: by their names, or by a table with the options of `Keys` as well."""
        several = Keys in arms_of(wanted)
        table, names = as_table(given), as_list(given)
        if several and table is not None:
            options = self.options(Keys, table, at, hidden=("keys",), also=(NAMES,))
            return self.made(Keys, {"keys": self._secrets(table.get(NAMES), at.at(NAMES)), **options}, at)
        if several and names is not None:
            return self.made(Keys, {"keys": self._secrets(names, at)}, at)
        try:
            return environment.secret(given, self.environ)
        except environment.Missing as missing:
            self.give_up(at, str(missing))

    def _secrets(self, given: object, at: Place) -> list[Secret]:
        names, found = as_list(given), list[Secret]()
        if not names:
            self.give_up(at, "must be a list of at least one environment variable's name")
        for number, name in enumerate(names):
            try:
                found.append(environment.secret(name, self.environ))
            except environment.Missing as missing:
                self.wrong(at.at(number), str(missing))
        if len(found) < len(names):
            raise Noted
        return found

    # -- what is there by name

    def part(self, table: Mapping[str, object], wanted: Any, at: Place) -> object:
        """A strategy by a table of its ``kind`` and its options.

        Raises:
            Noted: it cannot be had, or is not what is wanted.
        """
        made = self.plugin(self.catalogue.parts, table, at)
        kinds = [get_origin(arm) or arm for arm in arms_of(wanted)]
        if not any(fits(made, kind) for kind in kinds):
            self.give_up(at, f"must be {words(wanted)}, and {table[KIND]} is none")
        return made

    def plugin(self, shelf: Shelf, table: Mapping[str, object], at: Place) -> object:
        """What a table with a ``kind`` describes, of what is on *shelf*.

        Raises:
            Noted: it cannot be had.
        """
        found = self.found(shelf, table.get(KIND), at)
        if not callable(found):
            self.give_up(at, f"{table[KIND]} cannot be made: it is no class and no function")
        options = {name: value for name, value in table.items() if name != KIND}
        return self.make(found, options, at)

    def found(self, shelf: Shelf, name: object, at: Place) -> object:
        """What *name* stands for.

        Raises:
            Noted: nothing, or it cannot be imported.
        """
        if not isinstance(name, str):
            self.give_up(at, f"{KIND} must be the name of a {shelf.noun}, not {shown(name)}")
        try:
            return shelf.load(shelf.find(name))
        except PluginError as wrong:
            self.give_up(at, str(wrong))


def _fetched(name: str, value: object, keys: Mapping[str, Key]) -> Key | None:
    """A secret that a part fetches, such as a source of tokens, is given as any part is."""
    key = keys.get(f"{name}{VARIABLE}")
    is_part = KIND in (as_table(value) or ())
    return attrs.evolve(key, name=name, form=Form.AS_IT_IS) if key is not None and is_part else None


def _placed(at: Place, wrong: str) -> tuple[Place, str]:
    """A misread value within a list or a table says where it is: ``[2] must be text``."""
    within, _, what = wrong.partition(" ")
    if not within.startswith(("[", ".")):
        return at, wrong
    *keys, last = at.keys
    return Place((*keys, f"{last}{within}"), at.names), what

"""Where each key of a TOML text stands. tomllib gives values without places; tree-sitter gives the places."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

Loc = tuple[str | int, ...]  # a path of keys and list indexes, as pydantic writes it
Place = tuple[int, int]  # line and column, both from 1, the column in characters

START: Place = (1, 1)
_KEYS = ("bare_key", "quoted_key", "dotted_key")


def positions(text: str) -> dict[Loc, Place]:
    """The place of every key, table header and array item of `text`, which tomllib must have accepted.

    A key stands where its name begins; an item of an array where its value begins; a `[[table]]` at its bracket.
    """
    return _Walk(text).places


def nearest_place(places: dict[Loc, Place], loc: Loc) -> Place:
    """The place of `loc`, or of the nearest thing around it that has one."""
    for end in range(len(loc), 0, -1):
        if loc[:end] in places:
            return places[loc[:end]]
    return START


class _Walk:
    """One pass over the syntax tree. `_tables` counts the [[tables]] seen so far at each path."""

    def __init__(self, text: str) -> None:
        source = text.encode()
        self.places: dict[Loc, Place] = {}
        self._lines = source.split(b"\n")
        self._tables: dict[Loc, int] = {}
        import tree_sitter_toml  # noqa: PLC0415 - a daemon whose configuration is in order needs no places
        from tree_sitter import Language, Parser  # noqa: PLC0415 - the same

        for node in Parser(Language(tree_sitter_toml.language())).parse(source).root_node.named_children:
            self._statement(node)

    def _statement(self, node: Node) -> None:
        if node.type == "pair":
            self._pair(node, ())
        elif node.type in ("table", "table_array_element"):
            here = self._header(node)
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(child, here)

    def _header(self, node: Node) -> Loc:
        keys = list(_keys(node.named_children[0]))
        here: Loc = ()
        for part, key in keys:
            here = (*self._latest(here), part)
            self.places.setdefault(here, self._place(key))
        if node.type == "table":
            return here
        index = self._tables.get(here, 0)
        self._tables[here] = index + 1
        here += (index,)
        self.places[here] = self._place(node)
        return here

    def _latest(self, path: Loc) -> Loc:
        """`path`, going on in the last of its [[tables]] where it names some."""
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, node: Node, here: Loc) -> None:
        key, *values = (child for child in node.named_children if child.type != "comment")
        for part, place in _keys(key):
            here += (part,)
            self.places.setdefault(here, self._place(place))
        for value in values:
            self._value(value, here)

    def _value(self, node: Node, here: Loc) -> None:
        if node.type == "inline_table":
            for pair in node.named_children:
                if pair.type == "pair":
                    self._pair(pair, here)
        elif node.type == "array":
            items = (child for child in node.named_children if child.type != "comment")
            for index, item in enumerate(items):
                self.places[(*here, index)] = self._place(item)
                self._value(item, (*here, index))

    def _place(self, node: Node) -> Place:
        row, column = node.start_point
        return row + 1, len(self._lines[row][:column].decode(errors="replace")) + 1


def _keys(node: Node) -> Iterator[tuple[str, Node]]:
    """Each part of a key with its own node: `ledger.book."2022审计"` has three."""
    if node.type == "dotted_key":
        for child in node.named_children:
            yield from _keys(child)
    elif node.type in _KEYS and node.text:
        yield _unquoted(node.text.decode()), node


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[0] in "\"'" else key

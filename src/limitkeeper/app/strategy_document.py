"""A YAML document that knows the line and column of everything in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from limitkeeper.core.kernel.errors import PolicyError

FILE_BYTES_MAX = 262_144
"""A strategy file is no larger."""

LINE_LETTERS = 110
"""Of a line that is written, where its words allow."""

DEPTH_MAX = 12
"""Levels of a document."""

Path = tuple[str | int, ...]


class DocumentError(PolicyError):
    """A text that is no document, and where, line and column from 1."""

    def __init__(
        self,
        problem: str,
        line: int = 1,
        column: int = 1,
        *,
        value: object = None,
        allowed: object = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(problem, value=value, allowed=allowed, advice=advice)
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class LocatedDocument:
    """What a YAML text holds, and the node of each path in it."""

    text: str
    content: Any
    nodes: dict[Path, yaml.Node]
    keys: dict[Path, yaml.Node]

    def place(self, path: Path, offset: int | None = None, *, at_key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of what a path leads to; ``offset`` counts characters in, or its key.

        A path that leads nowhere is placed at the nearest thing above it.
        """
        while path not in self.nodes:
            path = path[:-1]
        node = self.nodes[path]
        if isinstance(node, yaml.ScalarNode) and offset is not None:
            index = _raw_index(self.text, node, offset)
            before = self.text[:index]
            return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
        if path in self.keys and (at_key or not isinstance(node, yaml.ScalarNode)):
            node = self.keys[path]
        return _place(node)


def _raw_index(text: str, node: yaml.ScalarNode, offset: int) -> int:
    """Where in the file the character at ``offset`` of a scalar's value stands.

    Folding changes white space only, so the other characters are counted off.
    """
    at = node.start_mark.index
    if node.style in {"|", ">"}:
        at = text.index("\n", at) + 1
    elif node.style in {"'", '"'}:
        at += 1
    wanted = sum(not character.isspace() for character in node.value[:offset])
    target_is_space = offset >= len(node.value) or node.value[offset].isspace()
    for index in range(at, node.end_mark.index):
        if text[index].isspace():
            if wanted == 0 and target_is_space:
                return index
            continue
        if wanted == 0:
            return index
        wanted -= 1
    return node.end_mark.index


def located_document(text: str) -> LocatedDocument:
    r"""The document that a YAML text holds: mappings, lists, text, whole and decimal numbers, true and false.

    Raises
    ------
    DocumentError
        When the text is not YAML, names a key twice, uses anchors, a type of its own, a date, or a number
        that is not finite, or is nested too deep.

    Examples
    --------
    >>> document = located_document("rules:\n  - id: late\n")
    >>> document.content, document.place(("rules", 0, "id"))
    ({'rules': [{'id': 'late'}]}, (2, 9))
    """
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                problem, advice = "Anchors are not used here.", "Write the value out."
                raise DocumentError(problem, *_place(event), value=f"*{event.anchor}", advice=advice)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_MAX:
                # While scanning: the scanner takes quadratic time, and the composer recurses.
                problem = "The document is nested too deep."
                raise DocumentError(problem, *_place(event), allowed=f"{DEPTH_MAX} levels")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DocumentError(f"This is not YAML: {error.problem}.", *place) from error
    except yaml.YAMLError as error:
        raise DocumentError(f"This is not YAML: {error}.") from error
    if root is None:
        raise DocumentError("The file is empty.")
    nodes: dict[Path, yaml.Node] = {}
    keys: dict[Path, yaml.Node] = {}
    return LocatedDocument(text, _content(root, (), nodes, keys), nodes, keys)


class _Plain(yaml.SafeDumper):
    """Writes every value out: anchors are not used here."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - of the library
        """Always."""
        return True


def document_text(content: Mapping[str, Any]) -> str:
    r"""A document as YAML, where the text that it came from was not kept; its comments are gone.

    Examples
    --------
    >>> document_text({"name": "mine", "markets": ["CN"]})
    'name: mine\nmarkets: [CN]\n'
    """
    return yaml.dump(dict(content), Dumper=_Plain, allow_unicode=True, sort_keys=False, width=LINE_LETTERS,
                     default_flow_style=None)  # fmt: skip


def _place(part: yaml.Node | yaml.Event) -> tuple[int, int]:
    mark = part.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _content(
    node: yaml.Node, path: Path, nodes: dict[Path, yaml.Node], keys: dict[Path, yaml.Node]
) -> object:
    nodes[path] = node
    if isinstance(node, yaml.SequenceNode):
        return [_content(item, (*path, index), nodes, keys) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise DocumentError("A key is a word.", *_place(key))
            if key.value in content:
                raise DocumentError("The key is named twice.", *_place(key), value=key.value)
            keys[(*path, key.value)] = key
            content[key.value] = _content(item, (*path, key.value), nodes, keys)
        return content
    return _scalar(node)


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind not in {"str", "int", "float", "bool", "null", "timestamp"}:
        raise DocumentError("This type is not used here.", *_place(node), value=node.tag)
    if kind in {"str", "timestamp"}:
        return str(node.value)
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (ValueError, yaml.YAMLError) as error:
        raise DocumentError(f"This cannot be read: {error}.", *_place(node), value=node.value) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise DocumentError("Numbers are finite.", *_place(node), value=node.value)
    return value  # type: ignore[no-any-return]  # one of the kinds above

"""What a later schema may change of a released one (docs/bus.md, "What may change"), compared by structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

# Keys whose list of values may grow: the page tells subscribers to pass over values they do not know.
MAY_GROW = {"kind", "event", "mark", "state", "ended"}
FIXED = ("type", "pattern", "format", "minimum", "maximum", "minLength", "maxLength")


def problems(old: Schema, new: Schema) -> list[str]:
    """One sentence for each thing that a program written for `old` could trip over."""
    return list(_compare(_Node(old, old), _Node(new, new), ""))


class _Node:
    """A part of a schema with the document its references point into."""

    def __init__(self, document: Schema, body: Schema) -> None:
        while "$ref" in body:
            body = document["$defs"][body["$ref"].removeprefix("#/$defs/")]
        self.document, self.body = document, body

    def variants(self) -> list[_Node]:
        found = self.body.get("anyOf") or self.body.get("oneOf")
        return [_Node(self.document, each) for each in found] if found else [self]

    def part(self, key: str) -> _Node | None:
        body = self.body.get(key)
        return _Node(self.document, body) if isinstance(body, dict) else None

    def properties(self) -> dict[str, _Node]:
        return {key: _Node(self.document, body) for key, body in self.body.get("properties", {}).items()}

    def values(self) -> list[Any] | None:
        return [self.body["const"]] if "const" in self.body else self.body.get("enum")


def _compare(old: _Node, new: _Node, path: str) -> Iterator[str]:
    olds, news = old.variants(), new.variants()
    if len(olds) == len(news) == 1:
        yield from _compare_one(olds[0], news[0], path)
        return
    left = list(news)
    for variant in olds:  # each has its successor: the one it differs from least
        tried = [(list(_compare_one(variant, each, path)), n) for n, each in enumerate(left)]
        if not tried:
            yield f"{path}: a variant disappeared"
            continue
        found, n = min(tried, key=lambda t: len(t[0]))
        yield from found
        del left[n]
    if left and not all(_told_apart(each) for each in left):
        yield f"{path}: it may now be of another type"


def _told_apart(variant: _Node) -> bool:
    """A new variant is allowed where a key that may grow tells it apart."""
    return any(key in MAY_GROW and each.values() for key, each in variant.properties().items())


def _compare_one(old: _Node, new: _Node, path: str) -> Iterator[str]:
    for key in FIXED:
        if old.body.get(key) != new.body.get(key):
            yield f"{path}: its {key} was {old.body.get(key)} and is {new.body.get(key)}"
    yield from _compare_values(old.values(), new.values(), path)
    yield from _compare_keys(old, new, path)
    for key in ("items", "additionalProperties"):
        before, after = old.part(key), new.part(key)
        if before is not None and after is not None:
            yield from _compare(before, after, f"{path}[]")
        elif before is not None or old.body.get(key) != new.body.get(key):
            yield f"{path}: its {key} changed"


def _compare_values(old: list[Any] | None, new: list[Any] | None, path: str) -> Iterator[str]:
    if old is None and new is None:
        return
    gone = [each for each in old or [] if each not in (new or [])]
    come = [each for each in new or [] if each not in (old or [])]
    if gone or old is None:
        yield f"{path}: its values were {old} and are {new}"
    elif come and path.rsplit(".", 1)[-1] not in MAY_GROW:
        yield f"{path}: {come} came, which no page tells subscribers to pass over"


def _compare_keys(old: _Node, new: _Node, path: str) -> Iterator[str]:
    olds, news = old.properties(), new.properties()
    for key, before in olds.items():
        if key not in news:
            yield f"{path}.{key}: it disappeared"
        else:
            yield from _compare(before, news[key], f"{path}.{key}")
    must, musts = set(old.body.get("required", [])), set(new.body.get("required", []))
    for key in sorted(musts - must):
        yield f"{path}.{key}: it became required"
    for key in sorted(must - musts):
        yield f"{path}.{key}: it is no longer always there"

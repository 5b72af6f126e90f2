"""All one-token mutants of a module: what tools/mutants.py tries."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SWAPS = {
    "==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "in": "not in", "not in": "in", "is": "is not",
    "is not": "is", "and": "or", "or": "and", "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "|": "&",
    "&": "|", ">>": "<<", "<<": ">>", "**": "*",
}  # fmt: skip
PATTERNS = {"compile", "fullmatch", "match", "search", "_form"}


class Mutant(NamedTuple):
    """source[begin:end] becomes `new`; line: the line it begins in."""

    module: str
    begin: int
    end: int
    new: bytes
    what: str
    line: str


class Finder(ast.NodeVisitor):
    """All mutants of a module."""

    def __init__(self, module: str) -> None:
        self.module, self.source = module, (ROOT / module).read_bytes()
        self.lines = self.source.splitlines(keepends=True)
        self.starts = [sum(map(len, self.lines[:n])) for n in range(len(self.lines) + 1)]
        self.found: list[Mutant] = []
        self.visit(ast.parse(self.source))

    def at(self, node: ast.AST, end: bool = False) -> int:
        line, column = (node.end_lineno, node.end_col_offset) if end else (node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return self.starts[line - 1] + column

    def add(self, begin: int, end: int, new: str) -> None:
        line = next(n for n in range(len(self.lines)) if self.starts[n + 1] > begin)
        was = re.sub(r"\s+", " ", self.source[begin:end].decode())
        self.found.append(
            Mutant(self.module, begin, end, new.encode(), f"{was} -> {new}", self.lines[line].decode().strip())
        )

    def swap(self, begin: int, end: int) -> None:
        """The operator between two operands, which may stand beside brackets."""
        between = self.source[begin:end]
        if (found := re.search(rb"not in|is not|in\b|is\b|and\b|or\b|[=!<>*/]{2}|[-<>+*/%|&]", between)) is not None:
            self.add(begin + found.start(), begin + found.end(), SWAPS[found[0].decode()])

    def whole(self, node: ast.AST, new: str) -> None:
        self.add(self.at(node), self.at(node, end=True), new)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Literal":
            return  # an annotation with a name of its own
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return  # for readers and for import *
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "type_params") or isinstance(
                node, ast.JoinedStr
            ):
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    self.visit(each)
        getattr(self, f"of_{type(node).__name__.lower()}", lambda _: None)(node)

    def of_compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            self.swap(self.at(left, end=True), self.at(right))

    def of_boolop(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.swap(self.at(left, end=True), self.at(right))

    def of_binop(self, node: ast.BinOp) -> None:
        if not any(isinstance(side, ast.JoinedStr) for side in (node.left, node.right)):
            self.swap(self.at(node.left, end=True), self.at(node.right))

    def of_unaryop(self, node: ast.UnaryOp) -> None:
        self.add(self.at(node), self.at(node.operand), "")

    def of_constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.whole(node, str(not node.value))
        elif isinstance(node.value, int | float):
            self.whole(node, repr(node.value + 1 if isinstance(node.value, int) else node.value * 2 or 1.0))
        elif isinstance(node.value, str | bytes) and (b" " not in (text := _bytes(node.value))) and text.isascii():
            self.whole(node, repr(node.value + (b"X" if isinstance(node.value, bytes) else "X")))  # type: ignore[operator]

    def of_call(self, node: ast.Call) -> None:
        if getattr(node.func, "attr", getattr(node.func, "id", "")) in PATTERNS:
            for each in node.args:
                for text in each.values if isinstance(each, ast.JoinedStr) else [each]:
                    if isinstance(text, ast.Constant):
                        self.of_pattern(self.at(text), self.at(text, end=True))

    def of_pattern(self, begin: int, end: int) -> None:
        """Each character of a pattern left out. (The parts of an f-string have no quotes of their own.)"""
        text = self.source[begin:end]
        quoted = re.fullmatch(rb"([rb]*[\"'])?(.*?)[\"']?", text, re.DOTALL)
        if text.isascii() and quoted is not None:
            for n in range(*quoted.span(2)):
                self.add(begin + n, begin + n + 1, "")

    def of_attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id == "Flag":
            self.whole(node, "Flag.BUSY" if node.attr != "BUSY" else "Flag.RELATIVE")

    def of_return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self.whole(node, "return None")

    def of_expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant | ast.Yield):
            self.whole(node, "pass")
        elif isinstance(node.value, ast.Constant) and self.found and self.found[-1].begin == self.at(node):
            self.found.pop()  # a docstring

    def of_if(self, node: ast.If | ast.IfExp) -> None:
        self.add(self.at(node.test), self.at(node.test, end=True), f"not ({ast.unparse(node.test)})")

    of_ifexp = of_if

    def of_augassign(self, node: ast.AugAssign) -> None:
        self.whole(node, "pass")

    of_delete = of_assert = of_augassign

    def of_break(self, node: ast.Break) -> None:
        self.whole(node, "continue")

    def of_continue(self, node: ast.Continue) -> None:
        self.whole(node, "break")


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def mutants_of(module: str) -> list[Mutant]:
    """In the order of the source; those that Python refuses to compile are none."""
    found = Finder(module)
    return [each for each in sorted(set(found.found)) if _compiles(found.source, each)]


def _compiles(source: bytes, mutant: Mutant) -> bool:
    try:
        compile(source[: mutant.begin] + mutant.new + source[mutant.end :], mutant.module, "exec")
    except SyntaxError:
        return False
    return True

"""Mistakes somebody could have made: one small change of a file each.

Most are cosmic-ray's: a comparison with its bound moved or turned round, a number one more or less, `and` for `or`, a
condition negated, a loop that never runs. Of the many it has for one place, those are left out that a reader would
call the same (`a + b` has eleven others). Two kinds are ours, because this code leans on what they break: a statement
that is left out (a release, a count), and a function taken for its opposite (`min` for `max`, `any` for `all`).

Nothing is changed in what only says how a class is made or shown (annotations, `repr=False`, decorators of attrs), nor
in what is never run (``if TYPE_CHECKING``, the bodies of protocols).
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol, TypeAlias, cast

import attrs

Place: TypeAlias = "tuple[int, int]"
"""Line, from 1, and column, from 0."""

Span: TypeAlias = "tuple[Place, Place]"

BORROWED = (
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Mod_FloorDiv", "Pow_Mul", "BitOr_BitAnd", "BitXor_BitOr")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("GtE_Gt", "GtE_Lt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot")),
    *("ReplaceComparisonOperator_IsNot_Is", "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Not"),
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer", "ZeroIterationForLoop"),
)
"""Of cosmic-ray's operators, by name."""

OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil"}

MAKING = {"repr", "eq", "init", "kw_only", "frozen"}
"""Arguments that say how attrs makes a class."""


@attrs.frozen
class Mutant:
    """A file with one mistake.

    path: of the file. line, to_line: of the statement that is changed. operator: what was done. number: how many
    changes of that kind stand before it in the file. before, after: the changed lines. source: the whole file.
    """

    path: Path
    line: int
    to_line: int
    operator: str
    number: int
    before: str
    after: str
    source: str = attrs.field(repr=False)


class _Operator(Protocol):
    """What is used of one of cosmic-ray's operators."""

    def mutation_positions(self, node: object) -> Sequence[Span]: ...


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of its lines."""
    source = path.read_text()
    tree = ast.parse(source)
    left_alone = list(_left_alone(tree))
    found: dict[str, Mutant] = {}
    for operator, number, at, changed in (*_borrowed(source), *_dropped(source, tree), *_swapped(source, tree)):
        if any(begins <= at < ends for begins, ends in left_alone):
            continue
        meaning = _meaning(changed)
        if meaning is not None and meaning not in found:
            lines = _statement(tree, at)
            found[meaning] = Mutant(path, *lines, operator, number, *_difference(source, changed), changed)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.operator, mutant.number))


def _borrowed(source: str) -> Iterator[tuple[str, int, Place, str]]:
    nodes = importlib.import_module("cosmic_ray.ast")
    mutated = cast(
        "Callable[[str, _Operator, int], str | None]", importlib.import_module("cosmic_ray.mutating").mutate_code
    )
    lines = source.splitlines()
    for name in BORROWED:
        operator = _operator(name)
        places = [begins for node in nodes.ast_nodes(nodes.get_ast(source)) for begins, _ in _places(operator, node)]
        for number, at in enumerate(places):
            changed = mutated(source, operator, number)
            is_star_of_arguments = lines[at[0] - 1][at[1] :].startswith("*,")
            if changed is not None and not is_star_of_arguments:
                yield name, number, at, changed


@cache
def _operator(name: str) -> _Operator:
    operator: Callable[[], _Operator] = importlib.import_module("cosmic_ray.plugins").get_operator(f"core/{name}")
    return operator()


def _places(operator: _Operator, node: object) -> Sequence[Span]:
    return operator.mutation_positions(node)


def _dropped(source: str, tree: ast.Module) -> Iterator[tuple[str, int, Place, str]]:
    """Calls for their effect, and what is added to or set on an object."""
    effects = (
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await))
        or isinstance(node, ast.AugAssign | ast.Delete)
        or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute | ast.Subscript))
    )
    for number, node in enumerate(effects):
        yield "DropStatement", number, (node.lineno, node.col_offset), _replaced(source, node, "pass")


def _swapped(source: str, tree: ast.Module) -> Iterator[tuple[str, int, Place, str]]:
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for number, node in enumerate(functions):
        module, _, name = ast.unparse(node).rpartition(".")
        if name in OPPOSITES and module in {"", "math"}:
            words = f"{module}.{OPPOSITES[name]}".lstrip(".")
            yield "Opposite", number, (node.lineno, node.col_offset), _replaced(source, node, words)
    comparisons = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    for number, node in enumerate(comparisons):
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            negated = "not in" if isinstance(node.ops[0], ast.In) else "in"
            words = f"({ast.unparse(node.left)} {negated} {ast.unparse(node.comparators[0])})"
            yield "Membership", number, (node.lineno, node.col_offset), _replaced(source, node, words)


def _replaced(source: str, node: ast.stmt | ast.expr, words: str) -> str:
    """The source with *words* in place of a node."""
    lines = source.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
    return b"".join([*lines[:first], before, words.encode(), after, *lines[last + 1 :]]).decode()


def _left_alone(tree: ast.Module) -> Iterator[Span]:
    """Where nothing is to be changed."""
    for node in ast.walk(tree):
        alone: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            everyone = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg)
            alone = [node.returns, *(each.annotation for each in everyone if each is not None), *node.decorator_list]
        elif isinstance(node, ast.AnnAssign):
            is_alias = isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"
            alone = [node if is_alias else node.annotation]
        elif isinstance(node, ast.ClassDef):
            is_protocol = any(isinstance(each, ast.Name) and each.id == "Protocol" for each in node.bases)
            alone = [node] if is_protocol else [*node.decorator_list]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            alone = [node]
        elif isinstance(node, ast.keyword) and node.arg in MAKING:
            alone = [node.value]
        for each in alone:
            if isinstance(each, ast.stmt | ast.expr):
                yield (each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)


def _statement(tree: ast.Module, at: Place) -> tuple[int, int]:
    """First and last line of the innermost statement, or of its head, at a place."""
    lines = at[0], at[0]
    for node in ast.walk(tree):  # breadth first, so the innermost comes last
        if isinstance(node, ast.stmt) and node.lineno <= at[0] <= (node.end_lineno or node.lineno):
            body: list[ast.stmt] = getattr(node, "body", [])
            ends = body[0].lineno - 1 if body else node.end_lineno or node.lineno
            lines = node.lineno, max(node.lineno, ends)
    return lines


def _meaning(source: str) -> str | None:
    """The source as far as it matters, so that `not a < b` and `a >= b` count once; None if it is no Python."""
    try:
        return ast.unparse(_Plain().visit(ast.parse(source)))
    except SyntaxError:
        return None


class _Plain(ast.NodeTransformer):
    """Turns a comparison that is negated into the opposite one."""

    OPPOSITE: ClassVar[dict[type[ast.cmpop], ast.cmpop]] = {
        ast.Lt: ast.GtE(), ast.GtE: ast.Lt(), ast.Gt: ast.LtE(), ast.LtE: ast.Gt(), ast.Is: ast.IsNot(),
        ast.IsNot: ast.Is(), ast.In: ast.NotIn(), ast.NotIn: ast.In(), ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(),
    }  # fmt: skip

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        compared = node.operand
        if isinstance(node.op, ast.Not) and isinstance(compared, ast.Compare) and len(compared.ops) == 1:
            return ast.Compare(compared.left, [self.OPPOSITE[type(compared.ops[0])]], compared.comparators)
        return node


def _difference(source: str, changed: str) -> tuple[str, str]:
    """The lines that differ, as they were and as they are."""
    before, after = source.splitlines(), changed.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return " ".join(map(str.strip, before)), " ".join(map(str.strip, after))

"""Mutants of a duty's file: each node that decides something, bent in every way that might go unnoticed.

A bent function's code is put in place of the real one, so that whoever imported it runs it.
"""

import ast
import importlib
import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pkgutil import iter_modules
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. ``code`` replaces a function's, ``value`` a module constant; ``place`` names which.

    duty: the file, ``labelling.taken_in`` of a duty that is a folder.
    """

    duty: str
    place: str
    line: int
    change: str
    code: CodeType | None = None
    value: Any = None

    @property
    def name(self) -> str:
        """Stays the same while lines move."""
        return f"{self.duty}.{self.place}: {self.change}"

    def __str__(self) -> str:
        return (
            f"obligations/{self.duty.replace('.', '/')}.py:{self.line}: {self.place}: {self.change}"
        )


@dataclass(frozen=True, slots=True)
class Site:
    """A node that can be bent, and where it hangs: ``holder.field`` or, in a list, at ``index``."""

    place: str
    holder: ast.AST
    field: str
    index: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.holder, self.field, node)
        else:
            getattr(self.holder, self.field)[self.index] = node


def mutants(duty: str) -> list[Mutant]:
    """Every mutant of a duty's files; those that read alike in one function are numbered."""
    return [mutant for name in files_of(duty) for mutant in _mutants(name)]


def _mutants(duty: str) -> list[Mutant]:
    module = module_of(duty)
    tree = ast.parse(inspect.getsource(module))
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for site in sites(tree):
        for after in variants(site):
            site.put(ast.copy_location(ast.fix_missing_locations(after), site.node))
            change = f"{_short(site.node)} → {_short(after)}"
            seen[f"{site.place}: {change}"] += 1
            number = seen[f"{site.place}: {change}"]
            change += f" #{number}" if number > 1 else ""
            line = getattr(site.node, "lineno", 0)
            found.append(_mutant(duty, module, tree, site.place, line, change))
            site.put(site.node)
    return found


def _mutant(
    duty: str, module: ModuleType, tree: ast.Module, place: str, line: int, change: str
) -> Mutant:
    ast.fix_missing_locations(tree)
    if isinstance(_held(module, place), FunctionType):
        whole = compile(tree, str(module.__file__), "exec")
        return Mutant(duty, place, line, change, code=_code(whole, place))
    (node,) = (
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node) == place
    )
    assert node.value is not None
    value = compile(ast.Expression(node.value), str(module.__file__), "eval")
    return Mutant(duty, place, line, change, value=eval(value, dict(vars(module))))


def sites(tree: ast.Module) -> Iterator[Site]:
    """Every node inside functions and module constants, docstrings, annotations and what is told left out."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node) not in _TOLD:
            yield from _below(node, _target(node))
        elif isinstance(node, ast.FunctionDef):
            yield from _below(node, node.name)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield from _below(inner, f"{node.name}.{inner.name}")


_TOLD: Final = ("OBLIGATION", "RULES")
"""What a file says of itself: it decides nothing."""
_LEFT_OUT: Final = {"annotation", "returns", "decorator_list", "args", "target", "targets"}


def _below(holder: ast.AST, place: str) -> Iterator[Site]:
    for field, value in ast.iter_fields(holder):
        if field in _LEFT_OUT and not isinstance(holder, ast.Call):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(node, ast.AST) and not _is_docstring(node):
                yield Site(place, holder, field, index, node)
                yield from _below(node, place)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_NAMES: Final = {"any": "all", "all": "any", "min": "max", "max": "min"}
_MEMBERS: Final = {
    "REFUSE": "PASS", "PASS": "REFUSE", "HOLD": "REFUSE", "NOT_APPLICABLE": "PASS", "RETRY": "REVIEW",
    "REVIEW": "RETRY",
}  # fmt: skip


def variants(site: Site) -> Iterator[ast.AST]:
    """What a node is bent into."""
    if site.field in ("test", "ifs"):
        yield ast.Constant(value=True)
        yield ast.Constant(value=False)
    yield from _conditions(site.node)
    yield from _steps(site)


def _conditions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left, ops, comparators):
            for at, op in enumerate(ops):
                swapped = [*ops[:at], _SWAPPED[type(op)](), *ops[at + 1 :]]
                yield ast.Compare(left, swapped, comparators)
        case ast.BoolOp(op, values):
            for at in range(len(values)):
                rest = [*values[:at], *values[at + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.Name(name) if name in _NAMES:
            yield ast.Name(_NAMES[name], ast.Load())


def _steps(site: Site) -> Iterator[ast.AST]:
    match site.node:
        case ast.Expr(ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
        case ast.Expr(ast.Call(ast.Attribute())) | ast.AugAssign() | ast.Continue():
            yield ast.Pass()
        case ast.Starred(ast.Call()) if isinstance(site.holder, ast.Tuple | ast.List):
            yield ast.Starred(ast.Tuple([], ast.Load()), ast.Load())
        case ast.Attribute(ast.Name("Outcome" | "Hold") as kind, attr):
            yield ast.Attribute(kind, _MEMBERS[attr], ast.Load())
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(str() as value):
            yield ast.Constant(f"{value}~")


def files_of(duty: str) -> list[str]:
    """Its file; or, of a duty that is a folder, the folder's own and every one in it."""
    folder = getattr(module_of(duty), "__path__", None)
    inside = [] if folder is None else [f"{duty}.{info.name}" for info in iter_modules(folder)]
    return [duty, *inside]


def module_of(duty: str) -> ModuleType:
    return importlib.import_module(f"synthgate.obligations.{duty}")


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return ast.unparse(target)


def _short(node: ast.AST) -> str:
    """One line of source."""
    try:
        return " ".join(ast.unparse(node).split())[:120]
    except AttributeError:
        return type(node).__name__


def _code(whole: CodeType, place: str) -> CodeType:
    for const in whole.co_consts:
        if isinstance(const, CodeType):
            if const.co_qualname == place:
                return const
            if place.startswith(f"{const.co_qualname}."):
                return _code(const, place)
    raise LookupError(place)


def _held(module: ModuleType, place: str) -> Any:
    """The function or constant of that name, out of its property or class method."""
    owner, _, name = place.rpartition(".")
    held = vars(getattr(module, owner) if owner else module)[name]
    held = held.fget if isinstance(held, property) else held
    return held.__func__ if isinstance(held, classmethod | staticmethod) else held


@contextmanager
def bent(mutant: Mutant) -> Iterator[None]:
    """The mutant in place of the real thing."""
    module = module_of(mutant.duty)
    held = _held(module, mutant.place)
    if mutant.code is None:
        setattr(module, mutant.place, mutant.value)
    else:
        real, held.__code__ = held.__code__, mutant.code
    try:
        yield
    finally:
        if mutant.code is None:
            setattr(module, mutant.place, held)
        else:
            held.__code__ = real

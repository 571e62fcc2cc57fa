"""Columns that are added to a frame many times: by the engine for many lines, one by one for few.

The engine plans every expression anew on every call. For millions of lines that is nothing; for the seven ways to trade
one article it takes longer than everything else. So the expressions of a `Columns` are also written, once, as plain
Python of the same meaning, read from the engine's own description of them. What that reading does not know (another
operation, another type, an amount past its type) goes to the engine as before, so the answer never depends on it:
`tests/decide/test_few.py` holds the two equal.
"""

import datetime as dt
import io
import json
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

__all__ = ["FEW", "Columns"]

FEW = 96
"""Frames of at most so many lines are answered one by one; about there the two take as long as each other."""
OFTEN = 3
"""The plain form is written once few lines came so often: writing it takes as long as asking the engine many times."""
WIDTHS = {"Int64": 63, "Int128": 127}
COMPARED = {"Eq": "==", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">="}
COUNTED = {"Plus": "+", "Minus": "-", "Multiply": "*"}
Row = tuple[Any, ...]


class Columns:
    """Expressions that add columns to a frame; they are made once and used often, from any thread."""

    def __init__(self, expressions: Iterable[pl.Expr]) -> None:
        self.expressions = tuple(expressions)
        self._plain: dict[tuple[pl.DataType, ...], _Plain | None] = {}
        self._asked = 0
        self._reads = sorted({name for expression in self.expressions for name in expression.meta.root_names()})

    def added(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame.with_columns` of the expressions."""
        series = self._answers(frame) if self._few(frame) else None
        if series is None:
            return frame.with_columns(self.expressions)
        known = set(frame.columns)
        return frame.with_columns(series) if any(one.name in known for one in series) else frame.hstack(series)

    def rows(self, frame: pl.DataFrame) -> list[Row]:
        """The values of the expressions, line by line, as Python has them."""
        plain = self._plain_for(frame) if self._few(frame) else None
        rows = plain.rows(frame) if plain else None
        return frame.select(self.expressions).rows() if rows is None else rows

    @property
    def names(self) -> list[str]:
        """The columns these expressions make."""
        return [expression.meta.output_name() for expression in self.expressions]

    @property
    def all_plain(self) -> bool:
        """Whether few lines that came often were always answered without the engine."""
        return bool(self._plain) and None not in self._plain.values()

    def is_plain_for(self, frame: pl.DataFrame) -> bool:
        """Whether few lines like these are answered without the engine."""
        return self._plain_for(frame) is not None

    def _few(self, frame: pl.DataFrame) -> bool:
        if not 0 < frame.height <= FEW:
            return False
        self._asked += 1
        return self._asked > OFTEN

    def _answers(self, frame: pl.DataFrame) -> list[pl.Series] | None:
        plain = self._plain_for(frame)
        rows = plain.rows(frame) if plain else None
        if plain is None or rows is None:
            return None
        columns = zip(*rows, strict=True)
        return [pl.Series(name, values, dtype) for (name, dtype), values in zip(plain.schema, columns, strict=True)]

    def _plain_for(self, frame: pl.DataFrame) -> "_Plain | None":
        schema = frame.schema
        dtypes = tuple(schema[name] for name in self._reads)
        if dtypes not in self._plain:
            try:
                self._plain[dtypes] = _Plain(self.expressions, dict(zip(self._reads, dtypes, strict=True)))
            except (_NotPlainError, LookupError, TypeError, ValueError, AttributeError):
                self._plain[dtypes] = None
        return self._plain[dtypes]


class _NotPlainError(Exception):
    """The engine must answer: an operation or type that is not read here, or an amount past its type."""


class _Plain:
    """Expressions over columns of known types as one Python function of a row."""

    def __init__(self, expressions: tuple[pl.Expr, ...], dtypes: dict[str, pl.DataType]) -> None:
        made = pl.DataFrame(schema=dtypes).select(expressions).schema
        self.schema = list(made.items())
        self.reads = list(dtypes)
        self._answer = _written(expressions, dtypes)

    def rows(self, frame: pl.DataFrame) -> list[Row] | None:
        """The values of each row; None when an amount does not fit its type."""
        given = [frame.get_column(name).to_list() for name in self.reads]
        lines: Iterable[Row] = zip(*given, strict=True) if given else [()] * frame.height
        try:
            return [self._answer(line) for line in lines]
        except _NotPlainError:
            return None


def _written(expressions: tuple[pl.Expr, ...], dtypes: dict[str, pl.DataType]) -> Callable[[Row], Row]:
    """The function itself: each distinct part of the expressions is one line of it."""
    writer = _Writer(dtypes)
    results = [writer.read(_described(expression))[0] for expression in expressions]
    names = ", ".join(f"c{place}" for place in range(len(dtypes)))
    head = [f"    ({names},) = row"] if dtypes else []
    source = "\n".join(["def answer(row):", *head, *writer.lines, f"    return ({', '.join(results)},)"])
    known: dict[str, Any] = {**writer.literals, "fits": _fits}
    exec(compile(source, "<columns>", "exec"), known)  # of our own numbered names and the operators above, nothing else
    answer: Callable[[Row], Row] = known["answer"]
    return answer


def _fits(value: int | None, bits: int) -> int | None:
    if value is not None and not -(1 << bits) <= value < (1 << bits):
        raise _NotPlainError
    return value


def _described(expression: pl.Expr) -> Any:
    """What the engine says an expression is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return json.loads(expression.meta.serialize(format="json"))


def _literal(node: Any) -> pl.Series:
    """The value of a literal, read by the engine itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pl.select(pl.Expr.deserialize(io.StringIO(json.dumps(node)), format="json")).to_series()


class _Writer:
    """Writes each part of an expression as a line of Python and says its name and type.

    Types are the engine's names; "Dyn" is a whole number that takes the type of what it meets, "Null" is nothing.
    """

    def __init__(self, dtypes: dict[str, pl.DataType]) -> None:
        self.lines: list[str] = []
        self.literals: dict[str, Any] = {}
        self._columns = {name: (f"c{place}", _kind(dtype)) for place, (name, dtype) in enumerate(dtypes.items())}
        self._known: dict[str, str] = {}
        self._names: dict[tuple[type, str], str] = {}
        self._words: dict[str, list[str]] = {}

    def read(self, node: Any) -> tuple[str, str]:
        """Name and type of a part; _NotPlainError when it is none we know."""
        (what, of), *more = node.items()
        reader = PARTS.get(what)
        if reader is None or more:
            raise _NotPlainError
        return reader(self, of)

    def _line(self, code: str, kind: str) -> tuple[str, str]:
        """A line of its own, unless the same stands there already."""
        if code not in self._known:
            self._known[code] = f"v{len(self.lines)}"
            self.lines.append(f"    {self._known[code]} = {code}")
        return self._known[code], kind

    def _column(self, name: str) -> tuple[str, str]:
        return self._columns[name]

    def _alias(self, of: Any) -> tuple[str, str]:
        return self.read(of[0])

    def _literal(self, of: Any) -> tuple[str, str]:
        if "Dyn" in of:
            return self._kept(int(of["Dyn"]["Int"])), "Dyn"
        ((kind, value),) = of["Scalar"].items()
        if kind == "Null":
            return "None", value if isinstance(value, str) else next(iter(value))
        if kind == "Enum":
            return self._kept(self._words_of(value)[value["value"]]), kind
        if kind == "Date":
            return self._kept(dt.date(1970, 1, 1) + dt.timedelta(days=value)), kind
        if kind not in ("Boolean", "String", *WIDTHS):
            raise _NotPlainError
        return self._kept(value), kind

    def _words_of(self, value: Any) -> list[str]:
        """The words of an Enum, of which a literal is one."""
        key = str(value["categories"])
        if key not in self._words:
            dtype = _literal({"Literal": {"Scalar": {"Enum": value}}}).dtype
            self._words[key] = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []
        return self._words[key]

    def _kept(self, value: object) -> str:
        if value is None or isinstance(value, bool):
            return str(value)
        name = self._names.setdefault((type(value), repr(value)), f"l{len(self.literals)}")
        self.literals[name] = value
        return name

    def _binaryexpr(self, of: Any) -> tuple[str, str]:
        (a, left), (b, right), op = self.read(of["left"]), self.read(of["right"]), of["op"]
        none = f"None if {a} is None or {b} is None else"
        if op in COMPARED and _same(left, right):
            return self._line(f"{none} {a} {COMPARED[op]} {b}", "Boolean")
        if op in ("And", "Or") and left == right == "Boolean":
            settles, other = ("False", "True") if op == "And" else ("True", "False")
            return self._line(f"{settles} if {a} is {settles} or {b} is {settles} else {none} {other}", "Boolean")
        kind = _wider(left, right)
        if op in COUNTED:
            return self._line(f"fits({none} {a} {COUNTED[op]} {b}, {WIDTHS[kind]})", kind)
        if op == "FloorDivide":
            return self._line(f"fits(None if {a} is None or not {b} else {a} // {b}, {WIDTHS[kind]})", kind)
        raise _NotPlainError

    def _ternary(self, of: Any) -> tuple[str, str]:
        (when, boolean), (yes, first), (no, second) = (self.read(of[name]) for name in ("predicate", "truthy", "falsy"))
        if boolean != "Boolean" or not (_same(first, second) or "Null" in (first, second)):
            raise _NotPlainError
        return self._line(f"{yes} if {when} else {no}", second if first in ("Null", "Dyn") else first)

    def _cast(self, of: Any) -> tuple[str, str]:
        (value, kind), dtype, strict = self.read(of["expr"]), of["dtype"].get("Literal"), of["options"]
        if dtype == "Int128" and kind in WIDTHS:
            return value, dtype
        if dtype == "String" and kind in ("String", "Enum"):
            return value, dtype
        if dtype == "Int64" and kind == "Int64":
            return value, dtype
        if dtype == "Int64" and kind == "Int128" and strict == "NonStrict":
            return self._line(f"{value} if {value} is not None and -2**63 <= {value} < 2**63 else None", dtype)
        raise _NotPlainError

    def _function(self, of: Any) -> tuple[str, str]:
        what, given = of["function"], of["input"]
        (name, of_it), *_ = what.items() if isinstance(what, dict) else [(what, None)]
        if name == "ReplaceStrict":
            return self._replaced(given, of_it)
        if name == "Boolean" and isinstance(of_it, dict) and of_it == {"IsIn": {"nulls_equal": False}}:
            return self._is_in(given)
        made = {"Boolean": self._boolean, "FillNull": self._first_known, "Coalesce": self._first_known}.get(name)
        if made is None:
            raise _NotPlainError
        return made(of_it, [self.read(one) for one in given])

    def _boolean(self, what: Any, parts: list[tuple[str, str]]) -> tuple[str, str]:
        value, kind = parts[0]
        if what == "IsNull":
            return self._line(f"{value} is None", "Boolean")
        if what == "IsNotNull":
            return self._line(f"{value} is not None", "Boolean")
        if what == "Not" and kind == "Boolean":
            return self._line(f"None if {value} is None else not {value}", "Boolean")
        if what == "AnyHorizontal" and all(kind == "Boolean" for _, kind in parts):
            names = ", ".join(name for name, _ in parts)
            return self._line(f"True if True in ({names},) else None if None in ({names},) else False", "Boolean")
        raise _NotPlainError

    def _first_known(self, _: Any, parts: list[tuple[str, str]]) -> tuple[str, str]:
        kinds = {kind for _, kind in parts} - {"Dyn", "Null"}
        if len(kinds) != 1:
            raise _NotPlainError
        names = [name for name, _ in parts]
        tests = "".join(f"{name} if {name} is not None else " for name in names[:-1])
        return self._line(tests + names[-1], kinds.pop())

    def _is_in(self, given: list[Any]) -> tuple[str, str]:
        value, kind = self.read(given[0])
        listed = _listed(given[1])
        if None in listed or kind not in ("String", "Enum") or not all(isinstance(one, str) for one in listed):
            raise _NotPlainError
        return self._line(f"None if {value} is None else {value} in {self._kept(frozenset(listed))}", "Boolean")

    def _replaced(self, given: list[Any], of: Any) -> tuple[str, str]:
        value, kind = self.read(given[0])
        others_null = len(given) == 4 and self.read(given[3]) == ("None", "Null")
        if not others_null or of["return_dtype"] != {"Literal": "String"} or kind not in ("String", "Enum"):
            raise _NotPlainError
        old, new = (_listed(one) for one in given[1:3])
        return self._line(f"{self._kept(dict(zip(old, new, strict=True)))}.get({value})", "String")


PARTS: dict[str, Callable[[_Writer, Any], tuple[str, str]]] = {
    "Column": _Writer._column, "Alias": _Writer._alias, "Literal": _Writer._literal, "BinaryExpr": _Writer._binaryexpr,
    "Ternary": _Writer._ternary, "Cast": _Writer._cast, "Function": _Writer._function,
}  # fmt: skip
"""How each kind of part is read."""


def _listed(node: Any) -> list[Any]:
    if not isinstance(node, dict) or "Literal" not in node:
        raise _NotPlainError
    value = _literal(node)
    return list(value.item()) if isinstance(value.dtype, pl.List) else value.to_list()


def _kind(dtype: pl.DataType) -> str:
    """The name of a type; of an Enum without its words, since here they are texts."""
    return str(dtype.base_type())


def _same(left: str, right: str) -> bool:
    """Whether two types can be compared as they are."""
    texts, numbers = {"String", "Enum"}, {*WIDTHS, "Dyn"}
    return left == right or {left, right} <= texts or {left, right} <= numbers


def _wider(left: str, right: str) -> str:
    """The type of a sum or product."""
    kinds = {left, right} - {"Dyn"}
    if not kinds or not kinds <= WIDTHS.keys():
        raise _NotPlainError
    return "Int128" if "Int128" in kinds else "Int64"

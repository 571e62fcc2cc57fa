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
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

__all__ = ["FEW", "OFTEN", "Columns", "NotPlainError", "without"]

FEW = 96
"""Frames of at most so many lines are answered one by one; about there the two take as long as each other."""
OFTEN = 3
"""The plain form is written once few lines came so often: writing it takes as long as asking the engine many times."""
WIDTHS = {"Int64": 63, "Int128": 127}
COMPARED = {"Eq": "==", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">="}
COUNTED = {"Plus": "+", "Minus": "-", "Multiply": "*"}
Row = tuple[Any, ...]
Steps = tuple[tuple[pl.Expr, ...], ...]


class Columns:
    """Expressions that add columns to a frame, in steps of which each may read the columns of those before it.

    Made once and used often, from any thread. Columns named in `working` are only for later steps.
    """

    def __init__(self, *steps: Iterable[pl.Expr], working: Iterable[str] = ()) -> None:
        self.steps = tuple(tuple(step) for step in steps)
        self.working = frozenset(working)
        self.names = [name for step in self.steps for name in _names(step) if name not in self.working]
        self._plain: dict[tuple[pl.DataType, ...], _Plain | None] = {}
        self._reads = _read_by(self.steps)
        self._ready: _Plain | None = None
        self._asked = 0

    def added(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the columns of all steps; a column that is there already is replaced."""
        series = self._answers(frame) if self._few(frame) else None
        if series is None:
            return _by_engine(frame, self.steps, self.working)
        if not set(self.names).isdisjoint(frame.columns):
            return frame.with_columns(series)
        return frame.hstack(series)

    def answered(self, frame: pl.DataFrame) -> list[pl.Series]:
        """Only the columns of all steps."""
        series = self._answers(frame) if self._few(frame) else None
        return _by_engine(frame, self.steps, self.working).select(self.names).get_columns() if series is None else series

    def rows(self, frame: pl.DataFrame) -> list[Row]:
        """The values of the columns, line by line, as Python has them."""
        rows = self._rows(frame, self._plain_for(frame)) if self._few(frame) else None
        return _by_engine(frame, self.steps, self.working).select(self.names).rows() if rows is None else rows

    def into(self, line: dict[str, Any]) -> None:
        """Write the columns into one line, a mapping of columns to values of the types asked for before.

        Raises NotPlainError when the engine must answer.
        """
        line.update(zip(self.names, self.of(line), strict=True))

    def of(self, line: Mapping[str, Any]) -> Row:
        """The values of the columns for one line; raises as `into`."""
        if self._ready is None:
            self._ready = next((plain for plain in self._plain.values() if plain), None)
        if self._ready is None:
            raise NotPlainError
        return self._ready.answer(tuple([line[name] for name in self._reads]))

    def read_as(self, other: "Columns") -> "Columns":
        """These columns made ready for `into` and `of`, reading values of the types the other was asked for.

        Raises NotPlainError when the other was not asked often enough, or does not read what these do.
        """
        if self._ready is None:
            types = dict(zip(other._reads, next(iter(other._plain), ()), strict=False))
            if not types.keys() >= set(self._reads):
                raise NotPlainError
            self._ready = _Plain(self.steps, self.working, {name: types[name] for name in self._reads})
        return self

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
        rows = self._rows(frame, plain)
        if plain is None or rows is None:
            return None
        return pl.DataFrame(rows, schema=plain.schema, orient="row").get_columns()

    def _rows(self, frame: pl.DataFrame, plain: "_Plain | None") -> list[Row] | None:
        if plain is None:
            return None
        given = [frame.get_column(name).to_list() for name in self._reads]
        return plain.rows(zip(*given, strict=True) if given else [()] * frame.height)

    def _plain_for(self, frame: pl.DataFrame) -> "_Plain | None":
        dtypes = tuple(frame.get_column(name).dtype for name in self._reads)
        if dtypes not in self._plain:
            try:
                self._plain[dtypes] = _Plain(self.steps, self.working, dict(zip(self._reads, dtypes, strict=True)))
            except (NotPlainError, LookupError, TypeError, ValueError, AttributeError):
                self._plain[dtypes] = None
        return self._plain[dtypes]


def _names(step: Iterable[pl.Expr]) -> list[str]:
    return [expression.meta.output_name() for expression in step]


def _read_by(steps: Steps) -> list[str]:
    """The columns the steps read that no step before made."""
    read: set[str] = set()
    made: set[str] = set()
    for step in steps:
        read |= {name for expression in step for name in expression.meta.root_names()} - made
        made |= set(_names(step))
    return sorted(read)


def _by_engine(frame: pl.DataFrame, steps: Steps, working: frozenset[str]) -> pl.DataFrame:
    for step in steps:
        frame = frame.with_columns(step)
    return frame.drop(working) if working else frame


def without(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """The frame less some columns, without planning."""
    left = frame.clone()
    for name in names:
        left.drop_in_place(name)
    return left


class NotPlainError(Exception):
    """The engine must answer: an operation or type that is not read here, or an amount past its type."""


class _Plain:
    """Steps over columns of known types as one Python function of a row."""

    def __init__(self, steps: Steps, working: frozenset[str], dtypes: dict[str, pl.DataType]) -> None:
        frame = _by_engine(pl.DataFrame(schema=dtypes), steps, working)
        names = [name for step in steps for name in _names(step) if name not in working]
        self.schema = [(name, frame.schema[name]) for name in names]
        self.answer = _written(steps, names, dtypes)

    def rows(self, lines: Iterable[Row]) -> list[Row] | None:
        """The values of each row; None when an amount does not fit its type."""
        try:
            return [self.answer(line) for line in lines]
        except NotPlainError:
            return None


def _written(steps: Steps, names: Sequence[str], dtypes: dict[str, pl.DataType]) -> Callable[[Row], Row]:
    """The function itself: each distinct part of the expressions is one line of it."""
    writer = _Writer(dtypes)
    for step in steps:
        writer.columns.update(dict(zip(_names(step), [writer.read(_described(one)) for one in step], strict=True)))
    given = ", ".join(f"c{place}" for place in range(len(dtypes)))
    head = [f"    ({given},) = row"] if dtypes else []
    results = ", ".join(writer.columns[name][0] for name in names)
    source = "\n".join(["def answer(row):", *head, *writer.lines, f"    return ({results},)"])
    known: dict[str, Any] = {**writer.literals, "NotPlainError": NotPlainError}
    exec(compile(source, "<columns>", "exec"), known)  # of our own numbered names and the operators above, nothing else
    answer: Callable[[Row], Row] = known["answer"]
    return answer


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
        self.columns = {name: (f"c{place}", _kind(dtype)) for place, (name, dtype) in enumerate(dtypes.items())}
        self._known: dict[str, str] = {}
        self._names: dict[tuple[type, str], str] = {}
        self._words: dict[str, list[str]] = {}

    def read(self, node: Any) -> tuple[str, str]:
        """Name and type of a part; NotPlainError when it is none we know."""
        (what, of), *more = node.items()
        reader = PARTS.get(what)
        if reader is None or more:
            raise NotPlainError
        return reader(self, of)

    def _line(self, code: str, kind: str) -> tuple[str, str]:
        """A line of its own, unless the same stands there already."""
        if code not in self._known:
            self._known[code] = f"v{len(self._known)}"
            self.lines.append(f"    {self._known[code]} = {code}")
        return self._known[code], kind

    def _fitting(self, code: str, kind: str) -> tuple[str, str]:
        """A line whose number must fit its type; the engine would wrap it, so the engine shall answer."""
        new, (name, _) = code not in self._known, self._line(code, kind)
        if new:
            limit = f"2**{WIDTHS[kind]}"
            self.lines.append(f"    if {name} is not None and not -{limit} <= {name} < {limit}: raise NotPlainError")
        return name, kind

    def _column(self, name: str) -> tuple[str, str]:
        return self.columns[name]

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
            raise NotPlainError
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
            return self._fitting(f"{none} {a} {COUNTED[op]} {b}", kind)
        if op == "FloorDivide":
            return self._fitting(f"None if {a} is None or not {b} else {a} // {b}", kind)
        raise NotPlainError

    def _ternary(self, of: Any) -> tuple[str, str]:
        (when, boolean), (yes, first), (no, second) = (self.read(of[name]) for name in ("predicate", "truthy", "falsy"))
        if boolean != "Boolean" or not (_same(first, second) or "Null" in (first, second)):
            raise NotPlainError
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
        raise NotPlainError

    def _function(self, of: Any) -> tuple[str, str]:
        what, given = of["function"], of["input"]
        (name, of_it), *_ = what.items() if isinstance(what, dict) else [(what, None)]
        if name == "ReplaceStrict":
            return self._replaced(given, of_it)
        if name == "Boolean" and isinstance(of_it, dict) and of_it == {"IsIn": {"nulls_equal": False}}:
            return self._is_in(given)
        if what == {"StringExpr": "LenChars"}:
            value, kind = self.read(given[0])
            return self._line(f"None if {value} is None else len({value})", "Int64" if kind == "String" else "")
        made = {"Boolean": self._boolean, "FillNull": self._first_known, "Coalesce": self._first_known}.get(name)
        if made is None:
            raise NotPlainError
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
        raise NotPlainError

    def _first_known(self, _: Any, parts: list[tuple[str, str]]) -> tuple[str, str]:
        kinds = {kind for _, kind in parts} - {"Dyn", "Null"}
        if len(kinds) != 1:
            raise NotPlainError
        names = [name for name, _ in parts]
        tests = "".join(f"{name} if {name} is not None else " for name in names[:-1])
        return self._line(tests + names[-1], kinds.pop())

    def _is_in(self, given: list[Any]) -> tuple[str, str]:
        value, kind = self.read(given[0])
        listed = _listed(given[1])
        if None in listed or kind not in ("String", "Enum") or not all(isinstance(one, str) for one in listed):
            raise NotPlainError
        return self._line(f"None if {value} is None else {value} in {self._kept(frozenset(listed))}", "Boolean")

    def _replaced(self, given: list[Any], of: Any) -> tuple[str, str]:
        value, kind = self.read(given[0])
        others_null = len(given) == 4 and self.read(given[3]) == ("None", "Null")
        if not others_null or of["return_dtype"] != {"Literal": "String"} or kind not in ("String", "Enum"):
            raise NotPlainError
        old, new = (_listed(one) for one in given[1:3])
        return self._line(f"{self._kept(dict(zip(old, new, strict=True)))}.get({value})", "String")


PARTS: dict[str, Callable[[_Writer, Any], tuple[str, str]]] = {
    "Column": _Writer._column, "Alias": _Writer._alias, "Literal": _Writer._literal, "BinaryExpr": _Writer._binaryexpr,
    "Ternary": _Writer._ternary, "Cast": _Writer._cast, "Function": _Writer._function,
}  # fmt: skip
"""How each kind of part is read."""


def _listed(node: Any) -> list[Any]:
    if not isinstance(node, dict) or "Literal" not in node:
        raise NotPlainError
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
        raise NotPlainError
    return "Int128" if "Int128" in kinds else "Int64"

"""What a version of the schema may not do to tables under traffic: rules over its SQL, as PostgreSQL parses it.

Source of what each statement locks and rewrites: PostgreSQL's documentation, "Explicit Locking" and "ALTER TABLE".
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen
from pglast import ast, parse_sql
from pglast.enums import AlterTableType as Alter
from pglast.enums import ConstrType as Constr
from pglast.enums import NullTestType, ObjectType
from pglast.visitors import Visitor

Node: TypeAlias = Any
"""A node of pglast, whose types leave open what the grammar settles."""
_PARAMETER: Final = re.compile(r"%\(\w+\)s")
_STABLE: Final = {"now", "transaction_timestamp", "statement_timestamp", "current_setting"}
"""Computed once for all rows that are there, so that nothing is rewritten."""
_SERIAL: Final = {"serial", "bigserial", "smallserial", "serial4", "serial8", "serial2"}
_SCANNING: Final = {Constr.CONSTR_CHECK, Constr.CONSTR_FOREIGN}
_INDEXING: Final = {Constr.CONSTR_UNIQUE, Constr.CONSTR_PRIMARY}


@frozen
class Version:
    """What a version does, as it was seen.

    Args:
        revision: its number.
        phase: what it declares; None where it declares nothing.
        transactional: whether it is one transaction.
        up: the statements that it sends.
        down: those that undo it.
    """

    revision: str
    phase: str | None
    transactional: bool
    up: Sequence[str]
    down: Sequence[str]


@frozen(order=True)
class Finding:
    """A rule that a version breaks.

    Args:
        revision: the version.
        rule: the rule's name.
        statement: what breaks it.
        advice: what to do instead.
    """

    revision: str
    rule: str
    statement: str
    advice: str

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.revision} {self.rule}: {self.advice}\n    {self.statement}"


ADVICE: Final = {
    "phase-undeclared": 'say phase = "expand", "data" or "contract"',
    "missing-downgrade": "write a downgrade()",
    "hidden-sql": "write plain statements: what a DO block does cannot be checked",
    "volatile-default": "it is computed for each row, under a lock that stops everybody: add the column, then backfill",
    "not-null-without-default": "rows that are there, and those that older copies write, have no value: give a default",
    "set-not-null": "it reads the table under a lock that stops everybody: validate a CHECK (… IS NOT NULL) first",
    "constraint-not-valid": "add it NOT VALID, then validate it: online.add_constraint",
    "validated-at-once": "the lock of ADD CONSTRAINT is held while all rows are read: transactional = False",
    "index-in-constraint": "make a unique index beside the traffic, then ADD CONSTRAINT … USING INDEX",
    "index-not-concurrently": "it keeps everybody from writing: online.create_index, with transactional = False",
    "concurrently-in-transaction": "PostgreSQL refuses it in a transaction: transactional = False",
    "type-change": "it rewrites the table, and older copies may not understand it: add another column",
    "rename": "older copies know the old name: add the new one, and drop the old one in a contract version",
    "drop-outside-contract": "older copies may use it: drop it in a contract version",
    "unbounded-update": "it holds the locks of all rows until the end: online.backfill, with transactional = False",
    "lock-table": "it stops everybody for as long as the transaction lasts",
    "rewrite": "it rewrites the whole table under a lock that stops everybody",
}
"""Every rule, and what to do instead."""


@define
class Linter:
    """Goes through versions in order, and knows which tables stand before each."""

    tables: set[str] = field(factory=set)
    _indexes: dict[str, str] = field(factory=dict)
    _not_null: dict[tuple[str, str], tuple[str, bool]] = field(factory=dict)
    """For a table and a constraint on it: the column that it says is not null, and whether that was validated."""

    def lint(self, version: Version) -> Iterator[Finding]:
        """Yield what is wrong with a version."""
        if version.phase is None:
            yield _finding(version, "phase-undeclared", "")
        if not version.down:
            yield _finding(version, "missing-downgrade", "")
        before = set(self.tables)
        added: set[tuple[str, str]] = set()
        for statement in version.up:
            for raw in parse_sql(_plain(statement)):
                for rule in self._broken(version, raw.stmt, before, added):
                    yield _finding(version, rule, statement)
                self._remember(raw.stmt)
                _follow(raw.stmt, before)

    def _broken(
        self,
        version: Version,
        node: Node,
        before: set[str],
        added: set[tuple[str, str]],
    ) -> Iterator[str]:
        check = _CHECKS.get(type(node))
        if check is not None:
            yield from check(_Scene(self, version, before, added), node)
        yield from _changes(version, node, before)

    def _remember(self, node: Node) -> None:
        kind = type(node)
        if kind is ast.CreateStmt:
            self.tables.add(node.relation.relname)
        elif kind is ast.IndexStmt:
            self._indexes[node.idxname] = node.relation.relname
        elif kind is ast.DropStmt and node.removeType is ObjectType.OBJECT_TABLE:
            self.tables -= set(_dropped(node))
        elif kind is ast.RenameStmt and node.renameType is ObjectType.OBJECT_TABLE:
            self.tables = (self.tables - {node.relation.relname}) | {node.newname}
        elif kind is ast.AlterTableStmt:
            for command in node.cmds:
                self._remember_constraint(node.relation.relname, command)

    def _remember_constraint(self, table: str, command: Node) -> None:
        if command.subtype is Alter.AT_AddConstraint and (column := _not_null_column(command.def_)):
            self._not_null[table, command.def_.conname] = (column, not command.def_.skip_validation)
        elif command.subtype is Alter.AT_ValidateConstraint and (table, command.name) in self._not_null:
            self._not_null[table, command.name] = (self._not_null[table, command.name][0], True)

    def is_proven(self, table: str, column: str) -> bool:
        """Return whether a validated check says that a column is not null."""
        return (column, True) in {proof for (name, _), proof in self._not_null.items() if name == table}

    def table_of(self, index: str) -> str | None:
        """Return the table of an index."""
        return self._indexes.get(index)


@frozen
class _Scene:
    """What a statement is judged by."""

    linter: Linter
    version: Version
    before: set[str]
    added: set[tuple[str, str]]


def _altered(scene: _Scene, node: Node) -> Iterator[str]:
    table = node.relation.relname
    if table in scene.before:
        for command in node.cmds:
            yield from _command(scene, table, command)


def _command(scene: _Scene, table: str, command: Node) -> Iterator[str]:
    match command.subtype:
        case Alter.AT_AddColumn:
            yield from _column(command.def_)
        case Alter.AT_SetNotNull if not scene.linter.is_proven(table, command.name):
            yield "set-not-null"
        case Alter.AT_AddConstraint:
            scene.added.add((table, command.def_.conname or ""))
            yield from _constraint(command.def_)
        case Alter.AT_ValidateConstraint if scene.version.transactional and (table, command.name) in scene.added:
            yield "validated-at-once"
        case Alter.AT_AlterColumnType:
            yield "type-change"
        case Alter.AT_DropColumn if scene.version.phase != "contract":
            yield "drop-outside-contract"
        case Alter.AT_SetLogged | Alter.AT_SetUnLogged | Alter.AT_SetTableSpace | Alter.AT_SetAccessMethod:
            yield "rewrite"


def _column(column: Node) -> Iterator[str]:
    kinds = {one.contype: one for one in column.constraints or ()}
    default = kinds.get(Constr.CONSTR_DEFAULT)
    serial = bool(column.typeName.names and column.typeName.names[-1].sval in _SERIAL)
    stored = Constr.CONSTR_GENERATED in kinds or Constr.CONSTR_IDENTITY in kinds
    if serial or stored or (default is not None and _is_volatile(default.raw_expr)):
        yield "volatile-default"
    elif Constr.CONSTR_NOTNULL in kinds and default is None:
        yield "not-null-without-default"
    if kinds.keys() & _SCANNING:
        yield "constraint-not-valid"
    if kinds.keys() & _INDEXING:
        yield "index-in-constraint"


def _constraint(constraint: Node) -> Iterator[str]:
    if constraint.contype in _SCANNING and not constraint.skip_validation:
        yield "constraint-not-valid"
    if constraint.contype is Constr.CONSTR_NOTNULL and not constraint.skip_validation:
        yield "set-not-null"
    if constraint.contype is Constr.CONSTR_EXCLUSION or (
        constraint.contype in _INDEXING and constraint.indexname is None
    ):
        yield "index-in-constraint"


def _indexed(scene: _Scene, node: Node) -> Iterator[str]:
    if node.concurrent and scene.version.transactional:
        yield "concurrently-in-transaction"
    if not node.concurrent and node.relation.relname in scene.before:
        yield "index-not-concurrently"


def _gone(scene: _Scene, node: Node) -> Iterator[str]:
    match node.removeType:
        case ObjectType.OBJECT_TABLE if scene.version.phase != "contract" and scene.before & set(_dropped(node)):
            yield "drop-outside-contract"
        case ObjectType.OBJECT_INDEX:
            if node.concurrent and scene.version.transactional:
                yield "concurrently-in-transaction"
            tables = {scene.linter.table_of(name) for name in _dropped(node)}
            if not node.concurrent and tables & scene.before:
                yield "index-not-concurrently"


def _renamed(scene: _Scene, node: Node) -> Iterator[str]:
    names_a_table = node.renameType in {ObjectType.OBJECT_TABLE, ObjectType.OBJECT_COLUMN}
    if names_a_table and node.relation.relname in scene.before:
        yield "rename"


def _follow(node: Node, before: set[str]) -> None:
    """Where a table that was there is renamed, know it by its new name; the old one is free for another."""
    kind = type(node)
    if kind is ast.RenameStmt and node.renameType is ObjectType.OBJECT_TABLE and node.relation.relname in before:
        before.remove(node.relation.relname)
        before.add(node.newname)


def _rebuilt(scene: _Scene, node: Node) -> Iterator[str]:
    del scene
    options = {one.defname for one in (node.options if type(node) is ast.VacuumStmt else node.params) or ()}
    if type(node) is ast.ClusterStmt or "full" in options:
        yield "rewrite"
    if type(node) is ast.ReindexStmt and "concurrently" not in options:
        yield "index-not-concurrently"


def _emptied(scene: _Scene, node: Node) -> Iterator[str]:
    if scene.version.phase != "contract" and scene.before & {one.relname for one in node.relations}:
        yield "drop-outside-contract"


def _locked(scene: _Scene, node: Node) -> Iterator[str]:
    if scene.before & {one.relname for one in node.relations}:
        yield "lock-table"


def _hidden(scene: _Scene, node: Node) -> Iterator[str]:
    del scene, node
    yield "hidden-sql"


_CHECKS: Final[dict[type, Callable[[_Scene, Any], Iterator[str]]]] = {
    ast.AlterTableStmt: _altered,
    ast.IndexStmt: _indexed,
    ast.DropStmt: _gone,
    ast.RenameStmt: _renamed,
    ast.TruncateStmt: _emptied,
    ast.LockStmt: _locked,
    ast.DoStmt: _hidden,
    ast.ClusterStmt: _rebuilt,
    ast.VacuumStmt: _rebuilt,
    ast.ReindexStmt: _rebuilt,
}


class _Changes(Visitor):
    """Finds the tables whose rows a statement changes, wherever in it that stands, and whether it says how many."""

    def __init__(self) -> None:
        self.tables: set[str] = set()
        self.limited = False

    def visit_UpdateStmt(self, _: object, node: Node) -> None:  # noqa: N802 -- named by pglast
        self.tables.add(node.relation.relname)

    def visit_DeleteStmt(self, _: object, node: Node) -> None:  # noqa: N802 -- the same
        self.tables.add(node.relation.relname)

    def visit_SelectStmt(self, _: object, node: Node) -> None:  # noqa: N802 -- the same
        self.limited = self.limited or node.limitCount is not None


def _changes(version: Version, node: Node, before: set[str]) -> Iterator[str]:
    found = _Changes()
    found(node)
    if found.tables & before and (version.transactional or not found.limited):
        yield "unbounded-update"


class _Calls(Visitor):
    """Finds the functions that an expression calls."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_FuncCall(self, _: object, node: Node) -> None:  # noqa: N802 -- named by pglast
        self.names.add(node.funcname[-1].sval)


def _is_volatile(expression: Node) -> bool:
    calls = _Calls()
    calls(expression)
    return bool(calls.names - _STABLE)


def _not_null_column(constraint: Node) -> str | None:
    """Return the column of ``CHECK (column IS NOT NULL)``."""
    test: Node = constraint.raw_expr
    if constraint.contype is not Constr.CONSTR_CHECK or type(test) is not ast.NullTest:
        return None
    column: Node = test.arg
    return str(column.fields[-1].sval) if test.nulltesttype is NullTestType.IS_NOT_NULL else None


def _dropped(node: Node) -> Iterator[str]:
    for name in node.objects:
        yield name[-1].sval if isinstance(name, tuple) else name.sval


def _plain(statement: str) -> str:
    """Return a statement as it is without a driver's parameters."""
    return _PARAMETER.sub("NULL", statement).replace("%%", "%")


def _finding(version: Version, rule: str, statement: str) -> Finding:
    return Finding(version.revision, rule, " ".join(statement.split())[:160], ADVICE[rule])

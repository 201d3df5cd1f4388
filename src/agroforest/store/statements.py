"""Writing a row that may be there already, in SQLite and in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Table, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """Insert a row, or replace the columns of the row with the same key."""
    statement = build_insert(connection, table).values(**row)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed)
    )


def upsert_all(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> None:
    """Do as `upsert` for rows that all have the same columns, in one statement."""
    if not rows:
        return
    statement = build_insert(connection, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed),
        [dict(row) for row in rows],
    )


def insert_missing(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> int:
    """Insert the rows whose key is not there yet; how many those were."""
    if not rows:
        return 0
    statement = build_insert(connection, table).on_conflict_do_nothing(
        index_elements=[column.name for column in table.primary_key]
    )
    values = [dict(row) for row in rows]
    if connection.dialect.name == "sqlite":
        return int(connection.execute(statement, values).rowcount)
    # PostgreSQL's driver does not count many rows; it batches those it returns.
    first_key = next(iter(table.primary_key))
    return len(connection.execute(statement.returning(first_key), values).all())


def insert_tuples(
    connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]
) -> int:
    """Insert many rows as `insert_missing` does, at a third of its cost or less.

    Parameters
    ----------
    connection, table
        Where to.
    rows
        Values in the order of the table's columns.
    """
    if not rows:
        return 0
    insert = build_insert(connection, table)
    keys = [column.name for column in table.primary_key]
    if connection.dialect.name == "sqlite":
        statement = insert.on_conflict_do_nothing(index_elements=keys)
        text = str(statement.compile(dialect=connection.dialect))
        return int(connection.exec_driver_sql(text, list(rows)).rowcount)
    # One statement whatever the number of rows: an array a column.
    arrays = {
        column.name: list(values)
        for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)
    }
    source = select(
        *(
            func.unnest(cast(bindparam(c.name), postgresql.ARRAY(c.type)))
            for c in table.columns
        )
    )
    statement = insert.from_select(list(arrays), source).on_conflict_do_nothing(
        index_elements=keys
    )
    counted = connection.execution_options(preserve_rowcount=True)
    return int(counted.execute(statement, arrays).rowcount)


def build_insert(
    connection: Connection, table: Table
) -> sqlite.Insert | postgresql.Insert:
    """Build an ``INSERT`` that can say ``ON CONFLICT``; both databases spell it so."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def split(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    """Split values: databases limit how many of them one statement may carry."""
    return (ids[start : start + size] for start in range(0, len(ids), size))

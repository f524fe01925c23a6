"""History written by our trigger, against one generic trigger that builds its statement at run time."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
from declared_tables import SCHEMA
from figure import Figure
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit, Target, TemporalTableMixin, deploy_datakit
from sqlmodel_framework.testing.plugin import fresh_database

__all__ = ["triggers"]


class _Kept(SQLModel, registry=registry()):
    pass


class Item(TemporalTableMixin, _Kept, table=True):
    """A table that keeps its history."""

    __tablename__ = "item"
    __table_args__ = {"schema": SCHEMA}
    id: int = Field(primary_key=True)
    code: str = Field(max_length=40)
    name: str = Field(max_length=200)
    quantity: int
    price: float


DATAKIT = Datakit(name="triggers", version="1.0", tables=(Item,))

# The shortest of its kind: any table whose history has the same columns in the same order.
GENERIC = f"""
CREATE FUNCTION {SCHEMA}.keep_any() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
    RETURN NEW;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    OLD.valid_to := now();
    EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_history') USING OLD;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.valid_from := now();
  NEW.valid_to := '9999-12-31 00:00:00+00';
  RETURN NEW;
END $$;
CREATE TRIGGER keep_any BEFORE INSERT OR UPDATE OR DELETE ON {SCHEMA}.item
FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.keep_any();
"""
OURS = f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{SCHEMA}.item'::regclass AND NOT tgisinternal"
HISTORY = f"""
SELECT count(*), sum(h.quantity), bool_and(h.valid_to = i.valid_from AND h.valid_from < h.valid_to)
FROM {SCHEMA}.item_history AS h JOIN {SCHEMA}.item AS i USING (id)
"""


def triggers(server: Target, rows: int, times: int) -> Iterator[Figure]:
    """An UPDATE and a COPY of all rows under our trigger, by the same under the generic one."""
    rounds = [[measure(server, rows, generic=generic) for generic in (False, True)] for _ in range(times)]
    for position, case in enumerate(("trigger_copy", "trigger_update")):
        ours, theirs = (min(seconds[side][position] for seconds in rounds) for side in (0, 1))
        yield Figure(case, round(ours / theirs, 2), "", 1.0)


def measure(server: Target, rows: int, *, generic: bool) -> tuple[float, float]:
    """Seconds of a COPY into a new table, and of an UPDATE of all its rows; both are committed."""
    text = "".join(f"{number}\tcode {number}\tname of {number}\t{number}\t1.5\n" for number in range(rows))
    with fresh_database(server) as target:
        deploy_datakit(DATAKIT, target)
        url = target.secret_url().set(drivername="postgresql").render_as_string(hide_password=False)
        with closing(psycopg2.connect(url)) as connection:
            with connection, connection.cursor() as cursor:
                if generic:
                    cursor.execute(OURS)
                    for (name,) in cursor.fetchall():
                        cursor.execute(f"DROP TRIGGER {name} ON {SCHEMA}.item")
                    cursor.execute(GENERIC)
            copied = _seconds(
                connection,
                lambda cursor: cursor.copy_expert(
                    f"COPY {SCHEMA}.item (id, code, name, quantity, price) FROM STDIN", io.StringIO(text)
                ),
            )
            updated = _seconds(
                connection, lambda cursor: cursor.execute(f"UPDATE {SCHEMA}.item SET quantity = quantity + 1")
            )
            with connection, connection.cursor() as cursor:
                cursor.execute(HISTORY)
                found = cursor.fetchone()
                assert found == (rows, sum(range(rows)), True), f"the history is another one: {found}"
    return copied, updated


def _seconds(connection: Any, work: Callable[[Any], None]) -> float:
    started = time.perf_counter()
    with connection, connection.cursor() as cursor:
        work(cursor)
    return time.perf_counter() - started

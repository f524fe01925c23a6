"""Loads that are killed at random points, and then finished, end as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys

from sqlmodel_framework import Target

KILLS = 200
KILLS_A_ROUND = 4

# One process makes the databases and forks: the run that is killed has everything imported, so that it is the
# work that is cut short, and not the import.
SCRIPT = """
import json, os, random, signal, sys, time
from uuid import uuid4
from sqlalchemy import Text, create_engine, text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append, BronzeTableMixin, Datakit, DatabaseSource, DeleteInsert, History, InsertOnly, Load, Replace,
    RowSource, TableSource, Target, TemporalTableMixin, run_datakit)

url, kills, kills_a_round = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ROWS = 1200

class Raw(BronzeTableMixin, table=True):
    __tablename__ = "raw"
    __table_args__ = {"schema": "killed_bronze"}
    id: str | None = Field(default=None, sa_type=Text)
    day: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)

class Sale(SQLModel, table=True):
    __tablename__ = "sale"
    __table_args__ = {"schema": "killed"}
    id: int = Field(primary_key=True)
    day: int
    price: int = Field(ge=1)

class Copied(SQLModel, table=True):
    __tablename__ = "copied"
    __table_args__ = {"schema": "killed"}
    number: int | None = Field(default=None, primary_key=True)
    id: int
    day: int

class Appended(SQLModel, table=True):
    __tablename__ = "appended"
    __table_args__ = {"schema": "killed"}
    number: int | None = Field(default=None, primary_key=True)
    id: int = Field(ge=0)

class Kept(TemporalTableMixin, table=True):
    __tablename__ = "kept"
    __table_args__ = {"schema": "killed"}
    id: int = Field(primary_key=True)
    price: int

target = Target(url, lock_timeout=30)
origin = DatabaseSource(target=Target(url, name="till"), table="origin.sale")
rows = [{"id": n, "day": n % 7, "price": n} for n in range(ROWS)]
some = lambda *names: RowSource(rows=lambda: [{k: row[k] for k in names} for row in rows], name="rows")
kit = Datakit(name="killed", version="1", tables=(Raw, Sale, Copied, Appended, Kept), loads=(
    Load(table=Raw, name="raw", layer="bronze", source=origin, chunk_rows=100),
    Load(table=Sale, name="merge", layer="silver", source=TableSource(Raw)),
    Load(table=Copied, name="append", layer="silver", source=some("id", "day"), mode=Append(),
         contract="enforce"),
    Load(table=Appended, name="append", layer="silver", source=some("id"), mode=Append()),
    Load(table=Copied, name="anew", layer="silver", source=some("id", "day"),
         mode=DeleteInsert(by=("day",))),
    Load(table=Kept, name="history", layer="gold", source=some("id", "price"), mode=History()),
    Load(table=Kept, name="replace", layer="gold",
         source=RowSource(rows=lambda: [{"id": n, "price": n + n % 2} for n in range(10, ROWS)], name="rows"),
         mode=Replace()),
    Load(table=Sale, name="insert", layer="gold", mode=InsertOnly(),
         source=RowSource(rows=lambda: [{"id": n, "day": 1, "price": 1} for n in range(-50, 50)],
                          name="rows")),
))
SUMS = [
    "SELECT count(*), count(DISTINCT run_id), sum(id::bigint),"
    " sum(('x' || substr(encode(row_hash, 'hex'), 1, 8))::bit(32)::bigint) FROM killed_bronze.raw",
    "SELECT count(*), sum(id), sum(day * id), sum(price * id) FROM killed.sale",
    "SELECT count(*), sum(id), sum(day * id) FROM killed.copied",
    "SELECT count(*), sum(id) FROM killed.appended",
    "SELECT count(*), sum(id), sum(price * id) FROM killed.kept",
    "SELECT count(*), sum(id), sum(price * id) FROM killed.kept_history",
    "SELECT count(*), sum(read), sum(loaded), sum(rejected), sum(deleted) FROM datakit.load",
    "SELECT count(*) FROM datakit.quarantine",
    "SELECT count(*) FROM datakit.checkpoint",
    "SELECT string_agg(status, ' ') FROM datakit.run",
]
TABLES = "killed_bronze.raw, killed.sale, killed.copied, killed.appended, killed.kept, killed.kept_history"
LEDGER = "datakit.quarantine, datakit.checkpoint, datakit.load, datakit.table_size, datakit.run"

def ask(*statements):
    engine = create_engine(target.secret_url())
    with engine.begin() as connection:
        found = [connection.execute(text(statement)) for statement in statements]
        answers = [[str(value) for row in each for value in row] if each.returns_rows else []
                   for each in found]
    engine.dispose()
    return answers

def started(run_id):
    pid = os.fork()
    if pid == 0:
        try:
            run_datakit(kit, target, run_id=run_id)
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
    return pid

ask("CREATE SCHEMA origin", "CREATE TABLE origin.sale (id bigint PRIMARY KEY, day int, price int)",
    f"INSERT INTO origin.sale SELECT n, n % 7, n FROM generate_series(0, {ROWS - 1}) AS n")
run_datakit(kit, target, parts=("deploy",))
begin = lambda: ask(f"TRUNCATE {TABLES} RESTART IDENTITY", f"TRUNCATE {LEDGER} CASCADE")
whole = 1000.0
for _ in range(3):
    begin()
    began = time.monotonic()
    assert os.waitpid(started(uuid4()), 0)[1] == 0
    whole = min(whole, time.monotonic() - began)
expected = ask(*SUMS)

random.seed(20260101)
killed = late = between = 0
broken = []
while killed < kills and late < 10 * kills:
    begin()
    run_id = uuid4()
    for _ in range(kills_a_round):
        pid = started(run_id)
        time.sleep(random.uniform(0, whole))
        os.kill(pid, signal.SIGKILL)
        if os.waitpid(pid, 0)[1] != signal.SIGKILL:
            late += 1
            # A machine that others use is not always as slow.
            whole *= 0.9
            break
        whole *= 1.02
        killed += 1
        between += ask("SELECT count(*) FROM datakit.checkpoint") != [["0"]]
    if os.waitpid(started(run_id), 0)[1] != 0:
        broken.append("the last run failed")
    found = ask(*SUMS)
    broken += [f"{statement}: {is_} instead of {was}" for statement, was, is_ in zip(SUMS, expected, found)
               if is_ != was]
print(json.dumps({"killed": killed, "came too late": late, "between chunks": between, "broken": broken,
                  "expected": expected}))
"""


def test_200_kills_leave_what_no_kill_leaves(database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url, str(KILLS), str(KILLS_A_ROUND)],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["broken"] == []
    assert counts["killed"] >= KILLS
    # Else it would not be shown that a load goes on where it was cut short.
    assert counts["between chunks"] > KILLS / 20
    assert counts["expected"][0][0] == "1200"

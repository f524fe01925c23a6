"""A bronze load from PostgreSQL to PostgreSQL, against COPY by hand and against other loaders."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from database import copy_across, execute
from figure import Figure
from peers import PEERS
from sqlmodel_framework import DatabaseSource, Datakit, Load, Target, deploy_datakit, run_datakit
from sqlmodel_framework.testing.plugin import fresh_database
from tpch import COLUMNS, KEY, Lineitem, filled_source
from turns import seconds, smallest

__all__ = ["copying"]

_IN_WORDS = ", ".join(f"{name}::text" for name in COLUMNS)
_NAMES = ", ".join(COLUMNS)
# The same final columns, with constants in place of what our load has to find out.
_CONSTANTS = (
    "'till'::text, 'lineitem'::text, 'till.example'::text, 'full'::text, now(), "
    "'6f1ad7a6-8b3b-4f0a-9a0a-1d2f3c4b5a69'::uuid, decode(repeat('ab', 32), 'hex')"
)
_DESCRIBED = "source_system, source_table, source_host, extraction_method, loaded_at, run_id, row_hash"
_SAME = f"SELECT {_IN_WORDS}, {_CONSTANTS} FROM lineitem"


def copying(server: Target, scale: float, times: int, *, all_peers: bool, folder: Path) -> Iterator[Figure]:
    """Rows per second of our load by those of each other side, all in one and the same server."""
    with filled_source(server, scale) as source, fresh_database(server) as target:
        load = Load(
            table=Lineitem,
            name="lineitem",
            layer="bronze",
            source=DatabaseSource(target=source, table="lineitem", system="till", host="till.example"),
        )
        kit = Datakit(name="loading", version="1.0", tables=(Lineitem,), loads=(load,))
        deploy_datakit(kit, target)
        declared = ", ".join(f"{name} text" for name in COLUMNS)
        execute(target, f"CREATE TABLE bare ({declared})")

        def ours() -> float:
            execute(target, "TRUNCATE bronze.lineitem")
            return seconds(lambda: run_datakit(kit, target, parts=["load"]))

        def same() -> float:
            execute(target, "TRUNCATE bronze.lineitem")
            place = f"bronze.lineitem ({_NAMES}, {_DESCRIBED})"
            return seconds(lambda: copy_across(source, _SAME, target, place))

        def bare() -> float:
            execute(target, "TRUNCATE bare")
            return seconds(lambda: _bare(source, target, "true"))

        def two() -> float:
            execute(target, "TRUNCATE bare")
            ((middle,),) = execute(
                source, f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {KEY[0]}) FROM lineitem"
            )
            halves = (f"{KEY[0]} < {middle}", f"{KEY[0]} >= {middle}")
            return seconds(lambda: _together(*(_half(source, target, half) for half in halves)))

        own, raw, plain, double = smallest(times, ours, same, bare, two)
        ((rows,),) = execute(source, "SELECT count(*) FROM lineitem")
        rate = f"{rows / own:,.0f} of {rows:,} rows/s"
        yield Figure("copy_same_columns", round(raw / own, 2), "", 0.8, "higher", rate)
        yield Figure(
            "copy_bare", round(plain / own, 2), "", None, "higher", f"COPY: {rows / plain:,.0f} rows/s"
        )
        yield Figure("copy_two_streams", round(plain / double, 2), "", None, "higher", "two COPYs by one")
        for name, peer in PEERS.items():
            if all_peers or name == "dlt":
                with fresh_database(server) as another:
                    took = seconds(lambda: peer(source, another, folder))  # noqa: B023
                    ((found,),) = execute(another, "SELECT count(*) FROM peer.lineitem")
                assert found == rows, f"{name} loaded {found} of {rows} rows"
                note = f"{rows / took:,.0f} rows/s"
                yield Figure(f"peer_{name}", round(plain / took, 2), "", None, "higher", note)


def _bare(source: Target, target: Target, condition: str) -> None:
    copy_across(source, f"SELECT {_IN_WORDS} FROM lineitem WHERE {condition}", target, f"bare ({_NAMES})")


def _half(source: Target, target: Target, condition: str) -> Callable[[], None]:
    return lambda: _bare(source, target, condition)


def _together(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

"""Verify a datakit: compare the sources of its loads with what the target holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..engines.registry import engine_for
from ..errors import DatakitError, StoppedError, TerminalError
from ..loading.modes import DeleteInsert, History, Replace
from ..loading.rereading import refuse_spent_source
from ..runs.databases import with_databases
from ..runs.events import LoadProgressed, LoadStarted
from ..runs.stopping import stop_on_sigterm
from ..targets.settings import resolve_target
from ..targets.target import Target
from .events import LoadVerified, OnVerifyEvent, VerifyEvent
from .result import Comparison, LoadVerification, Verification

if TYPE_CHECKING:
    from ..engines.base import BaseEngine
    from ..loading.load import Load

__all__ = ["verify_datakit"]


def verify_datakit(
    datakit: Datakit | str,
    target: Target | URL | str,
    *,
    loads: Collection[str] | None = None,
    sources: Mapping[str, Target] | None = None,
    chunk_rows: int = 250_000,
    on_event: OnVerifyEvent | None = None,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> Verification:
    """Compare what the sources of loads offer now with what the target holds, by count and checksum.

    Nothing is written but temporary tables, in a transaction that is rolled back. No lock is held: what a
    load that is under way has yet to bring is missing.

    What counts:
        A row of a bronze table is found by its hash, computed anew from its columns. The source's row is
        missing where the target has that hash less often than the source; what the target has beyond that,
        from the same source, may be an older version, and is counted apart. A row whose values do not fit
        the hash that it was written with is a difference, wherever it stands.

        A row of another table is found by its key, and each value that the source offers is compared. With
        `InsertOnly` only the key is. A key that the source lacks is a difference with `Replace`, `History`
        and, in the partitions that the source brings, `DeleteInsert`, unless another load or a declared row
        goes into the same table; else such rows are counted apart. Where the source offers no key, rows are
        found by the hash of what it offers.

        Rows that break the contract are counted apart. With `contract="enforce"` they are a difference.

    Args:
        datakit: a datakit, or its name; as for `deploy_datakit`.
        target: a target, a name from `datakit.toml`, or a database URL.
        loads: the loads that are compared, each by its name or as `layer.name`; by default all of them.
        sources: the databases to compare with, where the datakit's sources only name them; as for
            `run_datakit`.
        chunk_rows: how many rows are one chunk. Each chunk that differs is named.
        on_event: called with each event, in this thread.
        engine: an engine of your own; by default the one for the URL's dialect.

    Returns:
        What was found. A load whose source cannot be read again, or that the engine cannot compare, is in it
        with the reason.

    Raises:
        TerminalError: there is no such load, no source names a database that is given, or the target is not
            deployed.
        StoppedError: SIGTERM came.
        DatakitError: as `deploy_datakit`.
    """
    started = time.perf_counter()
    if not isinstance(chunk_rows, int) or chunk_rows < 1:
        raise TerminalError(f"chunk_rows must be a whole number from 1 on, not {chunk_rows!r}")
    tell: Callable[[VerifyEvent], None] = on_event or (lambda _event: None)
    kit = find_datakit(datakit)
    kit.table_classes()
    kit = with_databases(kit, _chosen(kit, loads), sources)
    chosen = _chosen(kit, loads)
    used = engine_for(resolve_target(target), engine)
    found: list[LoadVerification] = []
    with stop_on_sigterm(), used.connect():
        for number, load in enumerate(chosen, 1):
            tell(LoadStarted(load, used.target, number, len(chosen)))
            found.append(_verify(kit, used, load, chunk_rows, tell))
            tell(LoadVerified(found[-1]))
    return Verification(
        datakit=kit.name,
        target=used.target.name,
        loads=tuple(found),
        seconds=time.perf_counter() - started,
    )


def _chosen(kit: Datakit, names: Collection[str] | None) -> list[Load]:
    known = [load.name for load in kit.loads]
    unknown = sorted(set(names or ()) - {*known, *(load.id for load in kit.loads)})
    if unknown:
        raise TerminalError(
            f"datakit {kit.name!r} has no load {unknown[0]!r}",
            hint=f"its loads are {', '.join(dict.fromkeys(known)) or 'none'}",
        )
    return [load for load in kit.loads if names is None or not {load.name, load.id}.isdisjoint(names)]


def _verify(
    kit: Datakit, engine: BaseEngine, load: Load, chunk_rows: int, tell: Callable[[VerifyEvent], None]
) -> LoadVerification:
    started = time.perf_counter()
    comparison, failure = None, None
    try:
        comparison = _compare(kit, engine, load, chunk_rows, tell)
    except StoppedError:
        raise
    except DatakitError as error:
        if error.target == engine.target.name:
            # It is the target that fails, not this load's source.
            raise
        failure = error
    except NotImplementedError as error:
        failure = TerminalError(f"the source of load {load.name!r} cannot be read: {error}")
    return LoadVerification(
        load=load.name,
        layer=load.layer,
        table=load.full_table_name,
        contract=load.contract,
        comparison=comparison,
        error=failure,
        seconds=time.perf_counter() - started,
    )


def _compare(
    kit: Datakit, engine: BaseEngine, load: Load, chunk_rows: int, tell: Callable[[VerifyEvent], None]
) -> Comparison:
    with engine.transaction():
        if not engine.has_tables([load.sql_table]):
            raise TerminalError(
                f"target {engine.target.name} has no table {load.full_table_name}",
                hint="deploy the datakit first",
                target=engine.target.name,
            )
    refuse_spent_source(load.source)

    def progress(bytes_read: int) -> None:
        tell(LoadProgressed(load, engine.target, bytes_read))

    return engine.compare(load, chunk_rows=chunk_rows, whole=_rules_out_others(kit, load), progress=progress)


def _rules_out_others(kit: Datakit, load: Load) -> bool:
    """Whether the table, as far as the load covers it, may hold only what the source offers."""
    beside = [other for other in kit.loads if other is not load and other.table is load.table]
    declared = [rows for rows in kit.rows if rows.model is load.table]
    return isinstance(load.mode, Replace | History | DeleteInsert) and not beside and not declared

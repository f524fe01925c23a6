"""Write a run that is no load into the target's ledger, so that its id does nothing when it comes again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.errors import DatakitError
from sqlmodel_framework.runner.step import StepContext
from sqlmodel_framework.runs import ledger
from sqlmodel_framework.schema.deploy import deploy_with

__all__ = ["recorded"]


@contextmanager
def recorded(context: StepContext) -> Iterator[bool]:
    """Write down the run that the block is, with its end; other runs of the datakit are kept away.

    Args:
        context: the run; its target's tables have to be deployed.

    Yields:
        Whether a run of this id has succeeded before: then the block should do nothing.

    Raises:
        TerminalError: the target lacks tables, or the id is that of another run.
        DatakitError: any other error of the target.
    """
    assert context.target is not None
    datakit = context.datakit()
    engine = engine_for(context.target)
    run_id, parts = context.spec.run_id, (context.spec.step,)
    with engine.connect():
        engine.begin_run(datakit.name)
        deploy_with(engine, datakit, create=False)
        if not engine.keeps_ledger:
            yield False
            return
        with engine.transaction() as connection:
            repeated = ledger.has_succeeded(connection, run_id, datakit.name, parts)
            if not repeated:
                ledger.record_start(
                    connection,
                    run_id,
                    datakit,
                    parts=parts,
                    image_digest=context.spec.image_digest,
                    requested_by=context.spec.requested_by,
                )
        if repeated:
            context.repeated = True
            context.log.info("a run of this id has succeeded before: nothing was done")
            yield True
            return
        try:
            yield False
        except BaseException as error:
            # When the database is out of reach, the next run finds this one without an end.
            with suppress(DatakitError), engine.transaction() as connection:
                text = context.target.mask(f"{type(error).__name__}: {error}")
                ledger.record_end(connection, run_id, text)
            raise
        with engine.transaction() as connection:
            ledger.record_end(connection, run_id, None)

"""A step as a process beside the task: for a laptop, where there are no containers."""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from ..outcome import read_report
from ..progress import log_line
from ..secrets import SPEC_FILE, handed_over
from .output import Lines
from .step import StepCore, Work

__all__ = ["DatakitProcessOperator"]

# What Airflow tells itself is nothing for a step: connections can be among it.
_NOT_PASSED_ON = ("AIRFLOW_", "_AIRFLOW_")


class DatakitProcessOperator(StepCore, BaseOperator):
    """Runs a runner's program.

    Args:
        work: what is to be done.
        command: the runner's program.
        variables: more variables of the step's environment; no secrets.
        folder: where files for the step are written; by default the system's own for temporary files.
        stop_grace: how many seconds a step may take to stop in order.
    """

    ui_color = "#dbe9d8"

    def __init__(
        self,
        *,
        work: Work,
        command: str,
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stop_grace: float = 30.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.command = command
        self.variables = dict(variables or {})
        self.folder = folder
        self.stop_grace = stop_grace
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        """Carry the step out; returns its report."""
        with handed_over(self.folder) as files:
            prepared = self.prepare(context, files.folder, image_needed=False)
            for name, text in prepared.files.items():
                files.put(name, text)
            output, exit_code = self._run([self.command, "run", "--spec", str(files.folder / SPEC_FILE)])
        return self.finish(context, prepared.spec, read_report(output.last), exit_code)

    def on_kill(self) -> None:
        """Ask the step to stop; its report is still read. After its time it is killed."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            if self._killer is None:
                self._killer = threading.Timer(self.stop_grace, process.kill)
                self._killer.daemon = True
                self._killer.start()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End a process that goes on though its task does not, such as after the task's timeout."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(self.stop_grace)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._killer is not None:
            self._killer.cancel()

    def _run(self, arguments: list[str]) -> tuple[Lines, int]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        try:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**inherited, **self.variables},
                # A signal for the task's group is for the task, which then asks the step to stop.
                start_new_session=True,
            )
        except OSError as error:
            raise AirflowFailException(
                f"the program {self.command!r} cannot be started: {error.strerror}; "
                "install the runner, or name it under process.commands in the environment's file"
            ) from None
        self._process = process
        output = Lines()
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            with process.stdout as stdout, process.stderr as stderr:
                _follow({stdout: output, stderr: Lines(lambda line: log_line(self.log, line))})
            code = process.wait()
        finally:
            self._end(process)
        # A program that a signal ends is told as a shell, and a container, would tell it.
        return output, 128 - code if code < 0 else code


def _follow(streams: Mapping[IO[bytes], Lines]) -> None:
    with selectors.DefaultSelector() as selector:
        for stream, lines in streams.items():
            selector.register(stream, selectors.EVENT_READ, lines)
        while selector.get_map():
            for key, _ in selector.select():
                content = os.read(key.fd, 65_536)
                if content:
                    key.data.feed(content)
                else:
                    key.data.end()
                    selector.unregister(key.fileobj)

"""Tell whoever listens what happens in a run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ..errors import StoppedError
from ..observe.harmless import without_url_secrets
from .events import Event, LoadFailed, OnEvent, RunFailed, RunFinished

__all__ = ["Teller"]

_log = logging.getLogger(__name__)


class Teller:
    """Tells each event to every listener.

    A listener that raises does not break the run. `on_event` is the caller's own: what it raises ends the
    run, except that it never hides the error that it is told of.

    Args:
        listeners: who is told first.
        on_event: who is told last.
        mask: takes secrets out of a text.
    """

    def __init__(
        self, listeners: Iterable[OnEvent], on_event: OnEvent | None, mask: Callable[[str], str]
    ) -> None:
        self._listeners = [_Guarded(listener, mask) for listener in listeners]
        self._on_event = on_event
        self._on_failure = None if on_event is None else _Guarded(on_event, mask)

    @property
    def anybody(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._listeners) or self._on_event is not None

    def __call__(self, event: Event) -> None:
        """Tell an event."""
        # The caller's own comes last: should it raise, the others know what it was told.
        for listener in self._listeners:
            listener(event)
        told = self._on_failure if isinstance(event, RunFailed | LoadFailed) else self._on_event
        if told is not None:
            told(event)


class _Guarded:
    """A listener whose errors are one line in the log.

    After an error it is told only how the run ends: a service that does not answer costs its time-out twice,
    not once an event.
    """

    def __init__(self, listener: OnEvent, mask: Callable[[str], str]) -> None:
        self._listener = listener
        self._mask = mask
        self._failed = False

    def __call__(self, event: Event) -> None:
        if self._failed and not isinstance(event, RunFinished | RunFailed):
            return
        try:
            self._listener(event)
        except Exception as error:
            _raise_stopped(error)
            if not self._failed:
                name = getattr(self._listener, "__qualname__", type(self._listener).__name__)
                text = " ".join(without_url_secrets(self._mask(f"{type(error).__name__}: {error}")).split())
                _log.warning("%s failed, and is told only how the run ends: %s", name, text)
            self._failed = True


def _raise_stopped(error: BaseException | None) -> None:
    """A signal that came while a listener worked ends the run, also where a library has wrapped it."""
    while error is not None:
        if isinstance(error, StoppedError):
            raise error
        error = error.__context__

"""Stop in order when SIGTERM comes, even while the database is at work.

Python runs a signal's handler only between two of its own instructions, and a statement that the
database works on is one instruction. So a thread hears of the signal as well, and cancels what is
under way; then the handler runs and raises `StoppedError`, and the transaction is rolled back.

Handlers run in the main thread only. Work that is done in other threads is `stoppable`: between two of its
statements it raises `StoppedError` itself.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from ..errors import StoppedError

__all__ = [
    "cancel_all",
    "cancelling",
    "finish_undisturbed",
    "stop_if_asked",
    "stop_is_heard",
    "stop_on_sigterm",
    "stop_was_requested",
    "stoppable",
]

_HINT = "what was under way was rolled back; run again to finish it"


class _Work:
    """What one thread is at, and whether it knows by now that it is to stop."""

    def __init__(self) -> None:
        self.has_heard = False


class _Here(threading.local):
    work: _Work | None = None


_here = _Here()
_cancels: list[tuple[Callable[[], None], _Work | None]] = []
_requested = threading.Event()


@contextmanager
def stop_on_sigterm() -> Iterator[None]:
    """Let SIGTERM raise `StoppedError` in the block.

    Nothing changes outside of the main thread, or where the program has its own handler.
    """
    free = signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, None)
    if threading.current_thread() is not threading.main_thread() or not free:
        yield
        return
    _requested.clear()
    hearing, telling = socket.socketpair()
    telling.setblocking(False)
    listener = threading.Thread(target=_cancel_on_signal, args=(hearing,), daemon=True)
    listener.start()
    previous_wakeup = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, _raise_stopped)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.set_wakeup_fd(previous_wakeup)
        telling.close()
        listener.join()
        hearing.close()


def finish_undisturbed() -> None:
    """From here on to the end of `stop_on_sigterm`, SIGTERM changes nothing: what is left is short."""
    if signal.getsignal(signal.SIGTERM) is _raise_stopped:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def stop_was_requested() -> bool:
    """Whether a signal to stop has come, so that a cancelled statement was cancelled because of it."""
    return _requested.is_set()


@contextmanager
def cancelling(cancel: Callable[[], None]) -> Iterator[None]:
    """Call `cancel`, from another thread, when a signal comes during the block."""
    entry = (cancel, _here.work)
    _cancels.append(entry)
    try:
        yield
    finally:
        _cancels.remove(entry)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let `stop_if_asked` end the block, which is the work of a thread that hears no signals."""
    _here.work = _Work()
    try:
        yield
    finally:
        _here.work = None


def stop_if_asked() -> None:
    """Raise `StoppedError` in stoppable work, once: what comes after is the way out.

    Raises:
        StoppedError: a signal to stop has come.
    """
    work = _here.work
    if work is not None and not work.has_heard and _requested.is_set():
        work.has_heard = True
        raise StoppedError("stopped by a signal", hint=_HINT)


def stop_is_heard() -> None:
    """This thread has been told to stop, by the end of a statement that was cancelled."""
    if _here.work is not None:
        _here.work.has_heard = True


def cancel_all() -> None:
    """Cancel what is under way, except in work that has heard and is on its way out."""
    for cancel, work in tuple(_cancels):
        if work is None or not work.has_heard:
            # The connection may have ended by itself in the meantime.
            with suppress(Exception):
                cancel()


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    # One is enough: what follows is the way out, and must not be cut short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise StoppedError("stopped by SIGTERM", hint=_HINT)


def _cancel_on_signal(hearing: socket.socket) -> None:
    while numbers := hearing.recv(16):
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            _requested.set()
            cancel_all()

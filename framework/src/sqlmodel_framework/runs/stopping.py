"""Stop in order when SIGTERM comes, even while the database is at work.

Python runs a signal's handler only between two of its own instructions, and a statement that the
database works on is one instruction. So a thread hears of the signal as well, and cancels what is
under way; then the handler runs and raises `StoppedError`, and the transaction is rolled back.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from ..errors import StoppedError

__all__ = ["cancelling", "finish_undisturbed", "stop_on_sigterm", "stop_was_requested"]

_cancels: list[Callable[[], None]] = []
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
    _cancels.append(cancel)
    try:
        yield
    finally:
        _cancels.remove(cancel)


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    # One is enough: what follows is the way out, and must not be cut short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise StoppedError(
        "stopped by SIGTERM", hint="what was under way was rolled back; run again to finish it"
    )


def _cancel_on_signal(hearing: socket.socket) -> None:
    while numbers := hearing.recv(16):
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            _requested.set()
            for cancel in tuple(_cancels):
                # The connection may have ended by itself in the meantime.
                with suppress(Exception):
                    cancel()

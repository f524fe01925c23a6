"""Logs on standard error: JSON, one object a line; on a terminal, for people. Secrets are masked."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

__all__ = ["Mask", "configure_logs", "masked"]

Mask = Callable[[str], str]


def configure_logs(runner: str, mask: Mask) -> Any:
    """Send this program's logs, and those of the libraries that it uses, to standard error.

    Args:
        runner: the runner's name, in every line.
        mask: takes secrets out of a text.
    """

    def without_secrets(
        _logger: Any, _name: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return {key: masked(value, mask) for key, value in event.items()}

    def of_this_runner(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**event, "runner": runner}

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[of_this_runner, structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return structlog.get_logger().bind(runner=runner)


def masked(value: Any, mask: Mask) -> Any:
    """A value with the secrets taken out of its texts, however deep; what is no JSON becomes a text."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: masked(item, mask) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, mask) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return mask(str(value))

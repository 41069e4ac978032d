"""Structured logs, a line of JSON each. Ids only: no names, addresses or texts of people."""

import logging
import logging.handlers
import sys

import structlog
from aiohttp.http_exceptions import HttpProcessingError


def set_up(level: int = logging.INFO, security_log: str = "") -> None:
    """Called once, by the program. Other libraries' warnings come out in the same shape.

    `security_log`: a file where the lines of the logger `security` are written as well. May raise `OSError`.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bot").setLevel(level)
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    for name in ("bot", "services", "adapters", "sandbox", "security"):
        logging.getLogger(name).setLevel(level)
    if security_log:
        file = logging.handlers.WatchedFileHandler(security_log, encoding="utf-8")
        file.setFormatter(handler.formatter)
        logging.getLogger("security").handlers = [file]


def _is_ours(record: logging.LogRecord) -> bool:
    """False for bytes that are not HTTP: anybody can send them, as often as they like, with anything in them."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))

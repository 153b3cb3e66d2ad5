"""Owns the log of one chat: where its lines go, and how they are written, as text or as JSON."""

import json
import logging
import re
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from types import FunctionType
from typing import Any

LOGGING = logging.info.__code__.co_filename, __file__


class _Log(logging.Logger):
    """The log of one chat. It is not known to logging by its name, so that it ends with its chat."""

    def __init__(self) -> None:
        super().__init__("chat")
        self.parent = logging.getLogger("chat")
        self.plain: logging.StreamHandler[Any] | None = None  # ours, if it writes text

    def isEnabledFor(self, level: int) -> bool:
        """Ask each time: logging would not tell this one that somebody has changed a level above it."""
        return level > self.manager.disable and level >= self.getEffectiveLevel()

    def _log(self, level: int, msg: object, args: Any, exc_info: Any = None, *rest: Any, **others: Any) -> None:
        """Write a line that nobody but our own handler sees without a record: in a storm a tenth of all was making those."""
        if exc_info is None and not rest and not others and self._is_seen_by_us_alone():
            with suppress(Exception):  # what logging says of it, it says below
                self._write(level, str(msg) % args if args else str(msg))
                return
        super()._log(level, msg, args, exc_info, *rest, **others)

    def _is_seen_by_us_alone(self) -> bool:
        ours, parent = self.plain, self.parent
        return (
            ours is not None
            and parent is not None
            and self.handlers == [ours]
            and not (self.disabled or self.filters or ours.level or parent.handlers or logging.root.handlers)
            and type(ours.formatter) is _Text
            and len(ours.filters) == 1  # ours, for handlers of the root
            and logging.getLogRecordFactory() is logging.LogRecord
            and _is_loggings_own(logging.Logger.callHandlers)
            and _is_loggings_own(logging.Logger.handle)
        )

    def _write(self, level: int, text: str) -> None:
        """Write what the handler would."""
        ours: Any = self.plain
        at = time.time()
        with ours.lock:
            stamp = ours.formatter.stamp(at)
            ours.stream.write(f"{stamp} {logging.getLevelName(level)} {self.name} {text}\n")
            ours.stream.flush()

    def findCaller(self, stack_info: bool = False, stacklevel: int = 1) -> tuple[str, int, str, str | None]:
        """As logging's own, which takes a fifth of a line's time: it compares each frame by more than its file."""
        if stack_info or stacklevel != 1:
            return super().findCaller(stack_info, stacklevel + 2)  # this frame and that of `_log`
        frame = sys._getframe(2)
        while frame.f_code.co_filename in LOGGING and frame.f_back is not None:
            frame = frame.f_back
        return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, None


def _is_loggings_own(method: Any) -> bool:
    """Whether it is as Python has it: what gathers an application's errors, such as Sentry, puts its own there."""
    return type(method) is FunctionType and method.__code__.co_filename == LOGGING[0]


def make_log(level: str | None, form: str = "text") -> logging.Logger:
    """Return the log of one chat, which goes on to the logger "chat", and so to the host's handlers.

    Args:
        level: what is shown on stderr where nobody has set logging up; None: that is left to the host.
        form: of a line there, `text` or `json`.
    """
    log = _Log()
    if level is not None and not log.hasHandlers():
        log.setLevel(level)
        handler = logging.StreamHandler()
        if form == "json":
            handler.setFormatter(_Json())
        else:
            handler.setFormatter(_Text("%(asctime)s %(levelname)s %(name)s %(message)s"))
            log.plain = handler
        handler.addFilter(lambda _: not logging.getLogger().handlers)  # set up later, by the host
        log.addHandler(handler)
    return log


class _Text(logging.Formatter):
    """Writes the time as logging does, but works out each second once: a storm is mostly log lines."""

    _second: tuple[int, str] = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return self.stamp(record.created)

    def stamp(self, at: float) -> str:
        second = int(at)
        if self._second[0] != second:
            self._second = second, time.strftime(self.default_time_format, time.localtime(second))
        return f"{self._second[1]},{int((at - second) * 1000):03d}"

    def formatException(self, ei: Any) -> str:
        """A traceback may quote what a client wrote: no line of it can be taken for one of the log."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  | {ascii(line)[1:-1]}" for line in lines)


_PLACE = re.compile(r"(?:(\w+)=)?%(?:%|[-#0 +]*\d*(?:\.\d+)?[a-z])")  # of a value in a line; `user=%r` names it
PLAIN = (str, int, float, bool, type(None))  # what JSON has


class _Json(logging.Formatter):
    """Writes one JSON object a line, whatever is in it. What a line names, `user='alice'`, is a field too."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        own = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said = own | fields_of(record) | own  # these come first, and whatever a line names leaves them as they are
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return the values that the line names, each by its name."""
    places = [found for found in _PLACE.finditer(str(record.msg)) if not found[0].endswith("%%")]
    args = record.args if isinstance(record.args, tuple) else ()
    named = [(place[1], value) for place, value in zip(places, args, strict=False) if place[1]]
    return {name: value if isinstance(value, PLAIN) else str(value) for name, value in named}

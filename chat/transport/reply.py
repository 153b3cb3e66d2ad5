"""Owns one answer that a greenlet waits for, and that the loop gives it."""

from typing import Any

from gevent.event import AsyncResult

from chat.errors import ChatError


class Reply:
    """To be called once, with the answer or a ChatError."""

    def __init__(self) -> None:
        self._result: Any = AsyncResult()

    def __call__(self, answer: Any) -> None:
        self._result.set(answer)

    def wait(self) -> Any:
        """Return the answer, or raise the ChatError. Blocks the calling greenlet."""
        answer = self._result.get()
        if isinstance(answer, ChatError):
            raise answer
        return answer

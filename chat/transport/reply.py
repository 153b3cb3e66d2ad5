"""Owns one answer that a greenlet waits for, and that the loop gives it: to a request, or to the site's own code."""

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


class Asked(Reply):
    """Stands where a socket's sender stands: what it is answered is the reply."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def emit(self, event: Any) -> bool:
        self(event)
        return True

    def answer(self, ref: Any, answer: Any) -> None:
        self(answer)

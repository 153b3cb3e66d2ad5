"""Owns what each request owes to the other connections of its worker: a turn of the loop, and a reader of its answer.

It stands before all routes of the app, the host's too: one connection of any kind could stop everybody's sockets.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
from gevent import monkey
from gevent.hub import Waiter

from chat.limits import origin_of
from chat.transport.unread import UnreadAnswer, UnreadAnswers

# Of requests in one turn of the loop: so many upgrades, which take 0.1 ms each, but one page that takes longer.
TURN_REQUESTS, TURN_SECONDS = 4, 0.001

Body = Iterable[bytes]


def share_fairly(inner: Any, unread: Callable[[], UnreadAnswers]) -> Any:
    """Return the WSGI application `inner`, wrapped. `unread` returns those of its chat."""
    requests = LoopTurns()

    def shared(environ: dict[str, Any], start_response: Any) -> Any:
        if monkey.is_module_patched("socket"):
            # gunicorn answers what lies in its buffer without a pause: small requests, sent in one go, would
            # keep the loop for as long as they come.
            requests.wait(origin_of(environ.get("REMOTE_ADDR") or "-"))
        body = inner(environ, start_response)
        sock = environ.get("gunicorn.socket")
        if sock is None:  # other servers have places enough, or deadlines of their own
            return body
        answers = unread()
        # By now a ProxyFix of the host's has set the address, wherever it stands.
        answer = answers.begin(sock, environ.get("REMOTE_ADDR") or "-")
        if answer is None:
            _close(body)
            raise StopIteration  # what gunicorn takes for "close the connection"
        return _until_sent(body, environ, answers, answer)

    return shared


class LoopTurns:
    """Lets a few requests go on in each turn of the loop. Of those that wait, the addresses take turns.

    With `gevent.sleep(0)` alone, two thousand connections that ask at once run one after the other before the loop
    looks at any socket again, and an event of a socket waits behind all of them.
    """

    def __init__(self) -> None:
        # self._waiting[origin] = requests, oldest first, never empty; the first origin is next.
        self._waiting: OrderedDict[str, deque[Waiter[None]]] = OrderedDict()
        self._is_turning = False

    def wait(self, origin: str) -> None:
        """Block until it is the turn of a request of this address, in a later turn of the loop."""
        turn: Waiter[None] = Waiter()
        self._waiting.setdefault(origin, deque()).append(turn)
        if not self._is_turning:
            self._is_turning = True
            timer = gevent.get_hub().loop.timer(0)  # unlike a callback it has the loop look at its sockets
            timer.start(self._let_go_on, timer)
        turn.get()

    def _let_go_on(self, timer: Any) -> None:
        """Switch to those whose turn it is: each goes on until it is done, or waits."""
        until = time.monotonic() + TURN_SECONDS
        for _ in range(TURN_REQUESTS):
            if not self._waiting:
                break
            origin, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[origin] = turns  # behind the others
            turn.switch(None)
            if time.monotonic() > until:
                break
        if self._waiting:
            timer.start(self._let_go_on, timer)
        else:
            self._is_turning = False
            timer.close()


def _until_sent(body: Body, environ: dict[str, Any], answers: UnreadAnswers, answer: UnreadAnswer) -> Any:
    file_wrapper = environ.get("wsgi.file_wrapper")
    if file_wrapper is None or not isinstance(body, file_wrapper):
        return _Sent(body, lambda: answers.end(answer))
    file: Any = body  # gunicorn sends it with sendfile(2), if it finds it as it is
    close = getattr(file, "close", None)

    def close_file() -> None:
        answers.end(answer)
        if close is not None:
            close()

    file.close = close_file
    return body


class _Sent:
    """A response's body that tells when the server is done with it."""

    def __init__(self, body: Body, done: Callable[[], None]) -> None:
        self._body = body
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """PEP 3333: called by the server when it has sent the body, or has given it up."""
        self._done()
        _close(self._body)


def _close(body: Body) -> None:
    if (close := getattr(body, "close", None)) is not None:
        close()

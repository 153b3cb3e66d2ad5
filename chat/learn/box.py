"""Owns the boxes of news by which a page compares polling, long polling and streams: a toy, each pupil's own."""

from collections import OrderedDict, deque
from threading import Condition  # under gevent it holds up its own greenlet alone

from chat.errors import RateLimited

KEPT_NEWS = 50  # of a box
KEPT_BOXES = 200
MOST_WAITING = 500  # requests that are held open, of all boxes: two of each of 200 pupils, and some
BUSY_SECONDS = 5  # until one more may be

News = tuple[int, str]  # its number, from 1, and the text


class Boxes:
    """The boxes, by the keys that pages have made up."""

    def __init__(self) -> None:
        self._boxes: OrderedDict[str, deque[News]] = OrderedDict()
        self._changed = Condition()
        self._waiting = 0

    def add(self, key: str, text: str) -> News:
        """Put news into the box, and wake who waits."""
        with self._changed:
            box = self._box(key)
            news = (box[-1][0] + 1 if box else 1), text
            box.append(news)
            self._changed.notify_all()
        return news

    def after(self, key: str, number: int, seconds: float = 0) -> list[News]:
        """Return what came after `number`; wait for it so long at most. Raises RateLimited: too many wait."""
        with self._changed:
            if seconds:
                if self._waiting >= MOST_WAITING:
                    raise RateLimited(BUSY_SECONDS, "connections")
                self._waiting += 1
                try:
                    self._changed.wait_for(lambda: self._newer(key, number), seconds)
                finally:
                    self._waiting -= 1
            return self._newer(key, number)

    def _newer(self, key: str, number: int) -> list[News]:
        return [news for news in self._box(key) if news[0] > number]

    def _box(self, key: str) -> deque[News]:
        box = self._boxes.setdefault(key, deque(maxlen=KEPT_NEWS))
        self._boxes.move_to_end(key)
        if len(self._boxes) > KEPT_BOXES:
            self._boxes.popitem(last=False)
        return box

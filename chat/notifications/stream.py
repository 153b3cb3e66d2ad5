"""Who listens to a user's notifications by server-sent events: from the first one, or from where they broke off.

The stream's own id is the notification's, so that Last-Event-ID says what a reader has: nothing comes twice
and nothing is left out. Seen is none of it, since a program that listens is not a pair of eyes.
"""

from __future__ import annotations

from chat.errors import ChatError
from chat.notifications.feed import Line, event_of
from chat.people.directory import Admission, Run
from chat.people.online import as_stream_event, streams
from chat.protocol.structs import TOO_SLOW, TRY_AGAIN_LATER
from chat.storage.notifications import Notifications
from chat.transport.event_stream import Stream

PAGE = 100  # notifications asked for at once
ROOM_SECONDS = 30  # how long a reader may take for what waits


class Listener(Line):
    """One stream; in `delivery.streams` while it is open."""

    __slots__ = ("_stream", "_user_id", "admission", "owner")

    owner: str | None  # set by UserSockets alone

    def __init__(self, user_id: str, admission: Admission, last: int | None) -> None:
        super().__init__(last or 0)
        self.owner = None
        self.admission = admission  # by which it is closed when its session ends
        self._user_id = user_id
        self._stream: Stream | None = None

    def open(self, stream: Stream) -> None:
        """Hear what comes from now on; it is held until `catch_up` has sent what waits."""
        self._stream = stream
        streams.add(self._user_id, self)

    def catch_up(self, stored: Notifications, run: Run, resumed: bool) -> None:
        """Send what waits. Blocks.

        Args:
            resumed: send whatever has a larger id than the last, seen or not; else what is unseen. So too
                where nothing has so large an id.
        """
        stream = self._stream
        assert stream is not None, "open comes first"
        try:
            if resumed and self._last > run(stored.last_id):
                self._last, resumed = (
                    0,
                    False,
                )  # of another database, or of before a backup was restored
            while page := run(stored.after, self._user_id, self._last, PAGE, not resumed):
                for notice in page:
                    chunk = as_stream_event(event_of(notice), notice.id)
                    if not stream.has_room(len(chunk)) and not stream.wait_written(ROOM_SECONDS):
                        self.close(TOO_SLOW)
                        return
                    self.send_once(notice.id, chunk)
                if len(page) < PAGE:
                    break
        except ChatError:
            self.close(TRY_AGAIN_LATER)
            return
        self.go_on()

    def left(self) -> None:
        """The stream is over."""
        streams.remove(self)

    def deliver(self, id_: int, frame: bytes) -> bool:
        taken = super().deliver(id_, frame)
        if not taken:
            self.close(TOO_SLOW)  # to ask for the rest when it comes back
        return taken

    def pass_on(self, id_: int, frame: bytes) -> bool:
        return self.send(frame)

    def send(self, frame: bytes) -> bool:
        return self._stream is not None and self._stream.send(frame)

    def close(self, code: int, reason: str = "") -> None:
        if self._stream is not None:
            self._stream.close(code, reason)

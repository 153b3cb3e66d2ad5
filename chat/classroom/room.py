"""Owns one lesson's class: who is in it under which name, at which step, and what the teacher allows.

Everything is in memory and goes with the process. Whose request it is, the routes find out.
"""

import hmac
import secrets
import time
from base64 import b32encode
from dataclasses import dataclass, field

from chat.errors import Forbidden, NameTaken
from chat.people.directory import check_new
from chat.protocol.lookalikes import skeleton
from chat.protocol.names import checked_user_id, name_key

MOST_PUPILS = 200  # a script with the link could fill the roster
TOKEN_CHARS = 8  # 40 bits of a signature: short enough to type from the board
TEACHERS = frozenset({"teacher", "선생님"})  # names that need the teacher's key


@dataclass(eq=False)
class Pupil:
    """One name of the class, and the browser that has it."""

    name: str
    claim: str = field(default_factory=secrets.token_hex)  # what its browser's cookie says
    step: str = ""  # of /learn; "": none yet
    since: float = field(default_factory=time.monotonic)  # when it came to that step

    @property
    def minutes(self) -> int:
        """How long it is at its step."""
        return int(time.monotonic() - self.since) // 60


class Room:
    """The class of one lesson. Lives on the event loop."""

    def __init__(self) -> None:
        self.secret = secrets.token_hex(32)  # signs the link and the cookies, so that both end with the lesson
        self.teacher_key = secrets.token_urlsafe(16)
        self.is_paused = False
        # By the skeleton of the name's key: two names that look alike are one.
        self._pupils: dict[str, Pupil] = {}

    @property
    def join_token(self) -> str:
        """What the link carries: a signature, new for each lesson."""
        signature = hmac.digest(self.secret.encode(), b"join", "sha256")
        return b32encode(signature).decode().lower()[:TOKEN_CHARS]

    def is_join_token(self, token: str) -> bool:
        return hmac.compare_digest(token.lower().encode(), self.join_token.encode())

    def is_teacher_key(self, key: str) -> bool:
        return hmac.compare_digest(key.encode(), self.teacher_key.encode())

    def join(self, name: str, is_teacher: bool = False) -> Pupil:
        """Give a name to a browser, until the lesson ends or the teacher frees it.

        Raises:
            InvalidField: it breaks a rule of names.
            NameTaken: somebody has it, or one that looks like it.
            Forbidden: the class is full.
        """
        name = checked_user_id(name.strip(), "name")
        check_new(name, None, "name")
        key = skeleton(name_key(name))
        if key in self._pupils or (name_key(name) in TEACHERS and not is_teacher):
            raise NameTaken(field="name")
        if len(self._pupils) >= MOST_PUPILS:
            raise Forbidden(rule="class_full", max=MOST_PUPILS)
        pupil = self._pupils[key] = Pupil(name)
        return pupil

    def leave(self, name: str) -> None:
        """Free a name: its browser has it no more."""
        self._pupils = {key: pupil for key, pupil in self._pupils.items() if pupil.name != name}

    def pupil_of(self, claim: str) -> Pupil | None:
        """Return whose browser says so."""
        return next((pupil for pupil in self._pupils.values() if pupil.claim == claim), None)

    def note_step(self, claim: str, step: str) -> None:
        """Somebody has opened the page of a step."""
        if (pupil := self.pupil_of(claim)) and pupil.step != step:
            pupil.step, pupil.since = step, time.monotonic()

    @property
    def pupils(self) -> list[Pupil]:
        """All of them, by their names."""
        return sorted(self._pupils.values(), key=lambda pupil: name_key(pupil.name))

    def check_writing(self) -> None:
        """Raise Forbidden: the teacher has paused writing."""
        if self.is_paused:
            raise Forbidden(rule="writing_paused")

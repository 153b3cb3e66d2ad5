"""Owns how users are shown: as the site says, or as it is stored; and tells open pages of what has changed.

The site's own function is asked lazily, in a thread, and its answers are kept for a while, in a place that forgets.
No message waits for any of this. What a profile may say is left to protocol/profiles.py.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from chat.errors import ChatError, Forbidden, RateLimited, Unavailable
from chat.limits import Meter
from chat.people.online import Online, Socket, encoded
from chat.people.pictures import picture_of
from chat.people.presence import PARTNERS
from chat.protocol.changes import ProfileChange
from chat.protocol.names import keys_of
from chat.protocol.profiles import DISPLAY_NAME_CHARS, SUBTITLE_CHARS, Profile, checked, checked_line, folded
from chat.storage.storage import Storage

KEPT = 20_000  # users of whom the site has said something; some 10 MB
KEPT_SECONDS = 300  # then the site is asked again, by the next one who looks
FAILED_SECONDS = 30  # until it is asked again of a user of whom it raised an error
ASKED_AT_ONCE = 50  # users, in one turn of the thread
MOST_WAITING = 20_000  # users whom the site is to be asked of, or of whom pages are to be told
TOLD_AT_ONCE = 20  # users of whom others are told, between two turns of the loop
CHANGES_PER_MINUTE = 30  # of one user: each is a commit, and is told to all partners

ProfileOf = Callable[[str], Any]  # the site's: user id -> Profile, dict or None


class _Said(NamedTuple):
    """What the site said of a user; None: nothing. `until`: as time.monotonic() has it."""

    profile: Profile | None
    until: float


@dataclass(eq=False)
class Profiles:
    """The profiles of one chat. Lives on the event loop; its questions to the database block the greenlet."""

    _storage: Storage
    _online: Online[Socket]
    _user_key: Callable[[str], str]
    _avatar_hosts: Collection[str]
    _log: logging.Logger
    _spawn: Callable[..., None]  # calls a function where it may block: soon, or at once
    _in_thread: Callable[..., Any] = lambda function, *args: function(*args)
    pause: Callable[[], None] = lambda: None  # lets others have their turn of the loop
    _changes: Meter = field(default_factory=lambda: Meter(CHANGES_PER_MINUTE))
    ask: Callable[[Sequence[str]], Mapping[str, Any]] | None = None  # asks the site; set by who knows it
    is_sites: bool = False  # the site says how its users are shown, and they do not

    def __post_init__(self) -> None:
        self._said: OrderedDict[str, _Said] = OrderedDict()  # by user_key; the one asked longest ago comes first
        # user -> who is told of the answer beside the user's partners
        self._wanted: dict[str, set[str]] = {}
        self._changed: dict[str, set[str]] = {}
        self._is_asking = self._is_telling = False

    def of(self, user_ids: Iterable[str], asker: str | None = None) -> dict[str, Profile]:
        """Return what is known of these users. Blocks. What the site has still to say reaches `asker` as events."""
        users = [*dict.fromkeys(user_ids)]
        stored = self._storage.in_thread(self._storage.profiles.of, users) if users else {}
        return self.shown_to(asker, users, stored)

    def shown_to(self, asker: str | None, users: Sequence[str], stored: Mapping[str, Profile]) -> dict[str, Profile]:
        """Return the same as `of` where somebody has read what is stored. Does not block."""
        self._want(users, asker)
        return self._with_said(users, stored)

    def _with_said(self, user_ids: Iterable[str], stored: Mapping[str, Profile]) -> dict[str, Profile]:
        """Return those that are stored, or of what the site said of these users, which counts more."""
        found = dict(stored)
        if self.ask is not None:
            for user in user_ids:
                if (said := self._said.get(self._user_key(user))) and said.profile is not None:
                    found[user] = said.profile
        return {user: profile for user, profile in found.items() if profile != Profile()}

    def named_so(self, user_ids: Sequence[str], text: str) -> list[str]:
        """Return those of these users whose display name holds the text. Blocks; asks no site."""
        stored = self._storage.in_thread(self._storage.profiles.of, user_ids) if user_ids else {}
        shown, wanted = self._with_said(user_ids, stored), folded(text)
        return [user for user in user_ids if user in shown and wanted in folded(shown[user].display_name or "")]

    def checked(self, profile: Profile, of: str = "") -> Profile:
        """Return a profile as it can be stored. Raises InvalidField, whose field begins with `of`."""
        return checked(profile, self._avatar_hosts, of)

    def put(self, given: Mapping[str, Profile]) -> list[str]:
        """Store user -> profile, as `checked`, all or nothing, and tell open pages; return whose is another one now.

        Blocks. Raises as `Storage.write`.
        """
        changed = self._storage.write(self._storage.profiles.put, given)
        self._tell(changed)
        return changed

    def put_words(self, user_id: str, display_name: str | None, subtitle: str | None) -> Profile:
        """Store what a user says of themselves. Raises Forbidden, RateLimited, InvalidField; or as `Storage.write`."""
        self._check_own(user_id)
        said = checked_line(display_name, "displayName", DISPLAY_NAME_CHARS)
        line = checked_line(subtitle, "subtitle", SUBTITLE_CHARS)
        return self._put_own(user_id, self._storage.profiles.put_words, said, line)

    def put_picture(self, user_id: str, data: bytes | None) -> Profile:
        """Store a picture that a user uploads; None: have none. Raises as `put_words`, and as `picture_of`."""
        self._check_own(user_id)
        picture = None if data is None else self._in_thread(_picture_or_error, data)
        if isinstance(picture, ChatError):
            raise picture
        return self._put_own(user_id, self._storage.profiles.put_picture, picture)

    def forget(self, user_id: str) -> None:
        """The site has another profile of a user: ask it anew, and tell open pages."""
        said = self._said.pop(self._user_key(user_id), None)
        self._keep(self._user_key(user_id), _Said(said and said.profile, 0))
        self._want([user_id], user_id)

    def _check_own(self, user_id: str) -> None:
        if self.is_sites:
            raise Forbidden(rule="profile_of_site")
        if seconds := self._changes.take(user_id):
            raise RateLimited(seconds)

    def _put_own(self, user_id: str, put: Callable[..., Profile], *args: Any) -> Profile:
        profile = self._storage.write(put, user_id, *args)
        self._tell([user_id])
        return profile

    # What the site says.

    def _want(self, users: Sequence[str], asker: str | None) -> None:
        if self.ask is None:
            return
        now = time.monotonic()
        for user in users:
            said = self._said.get(self._user_key(user))
            if (said is None or said.until <= now) and (user in self._wanted or len(self._wanted) < MOST_WAITING):
                self._wanted.setdefault(user, set()).update([asker] if asker else [])
        if self._wanted and not self._is_asking:
            self._is_asking = True
            self._spawn(self._ask_all)

    def _ask_all(self) -> None:
        try:
            while self._wanted and self.ask is not None:
                some = {user: self._wanted.pop(user) for user in [*islice(self._wanted, ASKED_AT_ONCE)]}
                for user, answer in self._in_thread(self.ask, [*some]).items():
                    self._note(user, answer, some[user])
        finally:
            self._is_asking = False

    def _note(self, user: str, answer: Any, askers: set[str]) -> None:
        """Keep what the site said of a user, or the error that it raised."""
        key, seconds = self._user_key(user), KEPT_SECONDS
        before = self._said.pop(key, None)
        try:
            if isinstance(answer, Exception):
                raise answer
            profile = _profile_of(answer, self._avatar_hosts)
        except Exception as error:
            self._log.error("what the site says of a profile cannot be shown: %s: %s", type(error).__name__, error)
            profile, seconds = before and before.profile, FAILED_SECONDS
        self._keep(key, _Said(profile, time.monotonic() + seconds))
        if before is not None and profile != before.profile:
            self._tell([user], askers)
        elif before is None and profile is not None:  # nobody was told anything else
            frame = encoded(ProfileChange(user_id=user, profile=profile, keys=keys_of([user], self._user_key)))
            for asker in askers:
                self._online.emit(frame, to=asker)

    def _keep(self, key: str, said: _Said) -> None:
        self._said[key] = said
        if len(self._said) > KEPT:
            self._said.popitem(last=False)

    # Whom it is told.

    def _tell(self, users: Iterable[str], askers: Iterable[str] = ()) -> None:
        for user in users:
            if user in self._changed or len(self._changed) < MOST_WAITING:
                self._changed.setdefault(user, set()).update(askers)
        if self._changed and not self._is_telling:
            self._is_telling = True
            self._spawn(self._tell_all)

    def _tell_all(self) -> None:
        try:
            while self._changed:
                some = {user: self._changed.pop(user) for user in [*islice(self._changed, TOLD_AT_ONCE)]}
                shown = self._with_said(some, self._storage.in_thread(self._storage.profiles.of, [*some]))
                for user, askers in some.items():
                    event = ProfileChange(
                        user_id=user, profile=shown.get(user, Profile()), keys=keys_of([user], self._user_key)
                    )
                    frame = encoded(event)
                    partners = self._storage.in_thread(self._storage.last_seen.partners, user, PARTNERS)
                    for other in {user, *askers, *partners}:
                        self._online.emit(frame, to=other)
                    self.pause()
        except Unavailable:
            self._log.warning("open pages were not told of changed profiles: the database does not answer")
        finally:
            self._is_telling = False


def ask_for_profiles(
    profiles: Profiles, function: ProfileOf | None, context: Callable[[], Any], is_sites: bool = False
) -> None:
    """Have the site's function asked, within its app's context. None: there is none; `is_sites`: it says all the same."""
    profiles.is_sites = is_sites or function is not None
    if function is None:
        return

    def ask(user_ids: Sequence[str]) -> dict[str, Any]:
        answers: dict[str, Any] = {}
        with context():
            for user_id in user_ids:
                try:
                    answers[user_id] = function(user_id)
                except Exception as error:
                    answers[user_id] = error
        return answers

    profiles.ask = ask


def _profile_of(answer: Any, hosts: Collection[str]) -> Profile | None:
    """Return what the site's function gave, as it is shown. Raises TypeError, InvalidField."""
    if answer is None or isinstance(answer, Profile):
        return answer and checked(answer, hosts)
    if not isinstance(answer, Mapping) or set(answer) - set(Profile.__struct_fields__):
        raise TypeError(f"give a dict of {', '.join(Profile.__struct_fields__)}, or None")
    if wrong := [name for name, value in answer.items() if not isinstance(value, str | None)]:
        raise TypeError(f"{wrong[0]} must be text or None")
    return checked(Profile(**answer), hosts)


def _picture_or_error(data: bytes) -> Any:
    """As a value: the pool of threads would print an error that is raised."""
    try:
        return picture_of(data)
    except ChatError as error:
        return error

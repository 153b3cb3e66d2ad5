"""Owns what the site declares of its users: `chat.identify`, `chat.profile` and `chat.bot`.

And that who signs out of the site has left the chat too.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from weakref import ref

from chat.config import Settings
from chat.errors import ChatError
from chat.people.profiles import ProfileOf, ask_for_profiles
from chat.server import ChatServer

F = TypeVar("F", bound=Callable[[], Any])


@dataclass(eq=False)
class Identity:
    """The declarations of one `Chat`, for all of its apps. `function` returns the current request's user id, or None."""

    function: Callable[[], Any] | None = None
    profile_of: ProfileOf | None = None  # returns how a user is shown
    bots: set[str] = field(default_factory=set)  # ids of users who are the site's own code
    _is_settled: bool = False

    def declare(self, function: F) -> F:
        """Take the site's function, for chats that are made from now on. Raises RuntimeError: one was made without any."""
        if self._is_settled and self.function is None:
            raise RuntimeError("Declare chat.identify before the first request: this chat serves already.")
        self.function = function
        return function

    def settle(self, settings: Settings) -> Settings:
        """Return the settings that count now. Raises BadSetting: they do not go with what is declared."""
        self._is_settled = True
        return settings if self.function is None else settings.of_site()

    def bind(self, chat: ChatServer, app: Any) -> None:
        """Have a chat ask the site. Who signs out by Flask-Login, where that is in use, signs out of the chat."""
        chat.site_user, chat.presence.bots = self.function, self.bots
        ask_for_profiles(chat.profiles, self.profile_of, app.app_context, is_sites=self.function is not None)
        flask_login = sys.modules.get("flask_login")
        if self.function is not None and flask_login is not None:
            flask_login.user_logged_out.connect(partial(_leave, ref(chat)), sender=app, weak=False)


def _leave(made: "ref[ChatServer]", _app: object, user: Any, **_: object) -> None:
    chat = made()
    if chat is None or chat.site_user is None:
        return
    # Flask-Login still has the user for `identify`, which may call them otherwise than it does.
    user_id = chat.site_user()
    user_id = user.get_id() if user_id in (None, "") else user_id
    if user_id is None:
        return
    try:
        chat.directory.sign_out(str(user_id))
    except ChatError as error:  # the site's own sign-out is not to fail for it
        chat.log.error("user=%r signed out of the site, and is in the chat still: %s", user_id, error.message)

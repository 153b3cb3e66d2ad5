"""Owns the Flask extension `Chat`: it holds declarations, and binds to any number of apps.

What an app's chat consists of is left to `server.py`.
"""

import logging
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import RLock
from typing import Any
from uuid import UUID
from weakref import WeakSet

from flask import Flask, Response, current_app, has_app_context, has_request_context
from werkzeug.local import LocalProxy

import chat.handlers  # noqa: F401  (declares the events)
from chat import process
from chat.commands import group, running
from chat.config import Settings
from chat.errors import BadSetting, ChatError, Unavailable
from chat.files import make_folder
from chat.logs import make_log
from chat.notifications.notifier import PushResult
from chat.notifications.remote import Service
from chat.people.online import Event
from chat.people.profiles import ProfileOf
from chat.people.tokens import Tokens, kept_secret
from chat.protocol.names import text_of_id
from chat.resources import INSTANCE, ROOT
from chat.router import Events, events
from chat.server import ChatServer
from chat.site import sending, testing
from chat.site.api import SiteApi
from chat.site.identity import F, Identity
from chat.site.outbox import Outbox, recorded
from chat.transport.fair_share import share_fairly
from chat.web import proxies
from chat.web.answers import error_response
from chat.web.api import answer_unknown_paths, api_blueprint
from chat.web.cors import share
from chat.web.headers import protect
from chat.web.hosts import HostCheck
from chat.web.pages import chat_blueprint
from chat.web.quick_upgrade import pass_flask_by, set_outermost
from chat.web.requests import current_chat
from chat.web.upgrade import refuse_bad_upgrade

NAME = "chat"  # in app.extensions


class Chat(SiteApi):
    """`Chat(app)`, or `chat = Chat()` and later `chat.init_app(app)`.

    Each app has a ChatServer of its own, `app.extensions["chat"]`. It is made when a worker of gunicorn
    loads the app, and elsewhere at its first use. It copies `events` when it is bound.
    """

    def __init__(self, app: Flask | None = None, url_prefix: str = "/chat", events: Events = events) -> None:
        self.events = events
        self._apps: WeakSet[Flask] = WeakSet()
        self._identity = Identity()
        if app is not None:
            self.init_app(app, url_prefix)

    def init_app(self, app: Flask, url_prefix: str = "/chat") -> None:
        """Check the settings, and register page, script, API and sockets below `url_prefix`.

        CHAT_* names in the app's config win over the environment.

        Raises:
            BadSetting: a setting has a value that cannot be used.
            RuntimeError: the app has a chat already.
        """
        self._bind(app, url_prefix, shows_log=False)

    def _bind(self, app: Flask, url_prefix: str, shows_log: bool) -> Settings:
        if NAME in app.extensions:
            raise RuntimeError("This app has a chat already. Call init_app once for each app.")
        settings, prefix = Settings.load(app.config), url_prefix.rstrip("/")
        if settings.url == Settings.url:  # not set: the default leads to this chat
            settings = replace(settings, url=settings.url + prefix)
        self._apps.add(app)
        events = self.events.copy()
        log = make_log(settings.log_level if shows_log else None, settings.log)
        maker = _Maker(app, settings, events, log, self._identity)
        app.extensions[NAME] = LocalProxy(maker.made)
        hosts = HostCheck(settings, prefix, log)
        api, pages = api_blueprint(), chat_blueprint(settings, events)
        for blueprint in (api, pages):
            blueprint.before_request(hosts.refusal)
            blueprint.before_request(partial(_begin_request, prefix, log))
            blueprint.after_request(partial(protect, settings.origins, settings.avatar_hosts))
        api.after_request(partial(share, prefix, settings.origins))
        app.register_blueprint(api, url_prefix=f"{prefix}/api")
        app.register_blueprint(pages, url_prefix=prefix or None)
        answer_unknown_paths(app, prefix)
        app.cli.add_command(group.chat_cli)
        if csrf := app.extensions.get("csrf"):  # Flask-WTF's: a token in a header is no cookie
            csrf.exempt(api)
        inner = pass_flask_by(app, pages.name, prefix, hosts, lambda: app.extensions[NAME])
        set_outermost(app, share_fairly(inner, lambda: maker.made().unread))
        running.say_how_to_serve()
        # Not yet: what the site declares of it may stand below.
        process.when_loaded(partial(process.serve_as_worker, maker.made, log))
        return settings

    def identify(self, function: F) -> F:
        """Declare who is there, as a decorator too: a function without arguments, called within a request on the site.

        It returns the id of the user who is signed in there, a str, an int or a UUID, or None. Nobody signs in to the chat by
        themselves then (CHAT_AUTH=required, CHAT_SIGNUP=closed). It may be declared before `init_app` and after it, but
        not after the first request. CHAT_AUTH=open beside it stops the start.
        """
        return self._identity.declare(function)

    def sign_out(self, user_id: str | int | UUID) -> None:
        """End what a user has open, on every worker within 2 s; browsers that are signed in on the site come back.

        With Flask-Login it comes by itself from `logout_user`. Blocks. Raises ChatError: it could not be stored.
        """
        for app in self._current_apps():
            app.extensions[NAME].directory.sign_out(text_of_id(user_id, "user_id"))

    def _current_apps(self) -> list[Flask]:
        current: Any = current_app
        return [current._get_current_object()] if has_app_context() else [*self._apps]

    def server(self) -> ChatServer:
        apps = self._current_apps()
        if len(apps) != 1 or NAME not in apps[0].extensions:
            raise RuntimeError(
                "Say which app's chat it is: call it within the app's context (with app.app_context():)."
            )
        found: LocalProxy[ChatServer] | ChatServer = apps[0].extensions[NAME]
        if has_request_context():
            process.serve(found)  # type: ignore[arg-type]
        return found._get_current_object() if isinstance(found, LocalProxy) else found

    def profile(self, function: ProfileOf) -> ProfileOf:
        """Declare who says how a user is shown: `@chat.profile`, a function of the user's id.

        It returns a dict with display_name, avatar_url and subtitle, or None. It runs in the app's context, in a thread, when
        somebody is first shown; its answers are kept for five minutes. Declare it before the first request.
        """
        self._identity.profile_of = function
        return function

    def bot(self, user_id: str | int | UUID) -> None:
        """Declare that a user is the site's own code, which answers at any time: shown as online, without a socket."""
        self._identity.bots.add(text_of_id(user_id, "user_id"))

    def profile_changed(self, user_id: str | int | UUID) -> None:
        """Have the function of `@chat.profile` asked anew, and open pages told. Call it when a user's row has changed."""
        if (server := current_server()) is not None:
            server.profiles.forget(text_of_id(user_id, "user_id"))

    def record(self) -> AbstractContextManager[Outbox]:
        """Gather what is notified and sent: `with chat.record() as outbox:`. Of the current app, or of all of this chat."""
        return recorded(self._current_apps())


@dataclass
class _Maker:
    """Makes the ChatServer of one app, once."""

    _app: Flask
    _settings: Settings
    _events: Events
    _log: logging.Logger
    _identity: Identity
    _made: ChatServer | None = None
    _lock: Any = field(default_factory=RLock)

    def made(self) -> ChatServer:
        with self._lock:
            if self._made is None:
                self._settings = self._identity.settle(self._settings)
                self._made = self._make()
                self._made.signals.sender, self._made.signals.context = self._app, self._app.app_context
                self._identity.bind(self._made, self._app)
                self._app.extensions[NAME] = self._made
                if self._made.is_testing:
                    process.serve(self._made)  # so that `notify` without a context finds it, and no server elsewhere
        return self._made

    def _make(self) -> ChatServer:
        if testing.is_on(self._settings, self._app.testing):
            return testing.made(partial(ChatServer, events=self._events, log=self._log), self._settings)
        folder = self._app.instance_path
        url = self._settings.database_url
        if not (url and self._settings.token_secret) or folder in url:  # else nothing lies there
            _make_folder(folder)
        given = self._settings, self._events, folder, self._log
        return ChatServer(*given, not group.is_running(), process.stop_this_process)


def _make_folder(folder: str) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise BadSetting(
            f"The instance folder {folder} cannot be made: {error.strerror}. Make it, or set both CHAT_DATABASE_URL "
            "and CHAT_TOKEN_SECRET."
        ) from None


def _begin_request(prefix: str, log: logging.Logger) -> Response | None:
    """A request comes, so this process serves. Answer it here where it may not go on."""
    chat = current_chat()
    try:
        process.serve(chat)
    except ChatError as error:  # which names hosts and folders: that is for the log
        log.critical("the server does not start: %s", error.message)
        return error_response(Unavailable(rule="not_serving"))
    return refuse_bad_upgrade(prefix, chat.connections)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make an application that is a chat and nothing else. Raises BadSetting, as `init_app` does.

    Args:
        config: settings by their CHAT_* names, which win over the environment, and Flask's own.
    """
    app = Flask(NAME, root_path=str(ROOT), instance_path=INSTANCE, static_folder=None)
    app.config.update(config or {})
    settings = Chat()._bind(app, "/", shows_log=True)
    proxies.trust(app, settings.trusted_proxies)
    return app


def current_server() -> ChatServer | None:
    """Return the current application's chat, or the one that this process serves; None: there is none."""
    if has_app_context() and NAME in current_app.extensions:
        chat = current_chat()
        if has_request_context():
            process.serve(chat)
        return chat
    return process.served()


def emit(event: Event | bytes, to: str, skip: object = None) -> int:
    """Send an event, such as {"type": "poke"}, to every socket of the user `to`, but not to `skip`.

    Never blocks. Returns how many sockets took it: 0 for somebody offline, and where no chat is served.

    Raises:
        TypeError: the event cannot be written as JSON.
        RuntimeError: called on another native thread than the event loop's; or this process serves
            several chats, and none is the current application's.
    """
    with suppress(ChatError):  # it does not start, as its log says at each request
        if (chat := current_server()) is not None:
            return chat.online.emit(event, to, skip)
    return 0


def notify(
    to: str | int | UUID | Collection[str | int | UUID],
    message: str,
    *,
    title: str | None = None,
    link: str | None = None,
    level: str = "info",
    expires_in: int | None = None,
) -> PushResult:
    """Notify one user, or several. Returns when it is stored.

    In a process that serves no chat it asks the server at CHAT_URL.

    Args:
        to: a name, or up to 10,000 names, which get it as a batch.
        level: info, success, warning or error.
        expires_in: seconds until it is shown no more; None: never.

    Raises:
        ChatError: `code` says why. Nothing was stored; after `busy` and `unavailable`, a NotReached from
            another process among them, trying again may help.
        RuntimeError: as `emit`.
    """
    said = {"title": title, "link": link, "level": level, "expires_in": expires_in}
    if (chat := current_server()) is not None:
        return sending.notify(chat, to, message, **said)
    settings = Settings.load()
    if settings.testing == "on" or (not settings.token_secret and INSTANCE is None):
        raise RuntimeError(
            "This process serves no chat: call it within the context of the application that has it "
            "(with app.app_context():), or set CHAT_TOKEN_SECRET."
        )
    secret = settings.token_secret.encode() or kept_secret(str(INSTANCE), logging.getLogger(NAME))
    service = Service(settings.url, Tokens(secret, settings.token_ttl), "flask")
    given = {name: value for name, value in said.items() if value is not None}
    return service.notify(to, message, **given)

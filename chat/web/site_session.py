"""Owns signing in by the site's own cookie: whom the site says is there gets a short token, on the site's own pages only.

A cookie comes with whatever any page asks for, so the request must be known to come from a page of this origin.
"""

from flask import current_app, request, url_for
from werkzeug.routing import BuildError

from chat import errors
from chat.people.tokens import Admission
from chat.protocol import handshake
from chat.protocol.names import text_of_id
from chat.server import ChatServer
from chat.storage.accounts import Account

TOKEN_SECONDS = 600  # a page asks for the next one a minute before
# Who signs out of the site is shut out while the answer that takes the cookie away is still on its way: a page that
# comes back by the old cookie asks again so soon, and then has none.
SETTLING_MS, SETTLING_SECONDS = 5_000, 2
SAME_SITE = ("same-origin", "none")  # Sec-Fetch-Site; none: by hand


def opened(chat: ChatServer, user_id: str | None) -> tuple[Account, str, Admission]:
    """Return the account of who is signed in on the site, and a token. `user_id`: who it has to be; None: anybody.

    Raises:
        OriginRefused: a page of another origin asks.
        NotSignedIn: nobody is signed in, or somebody else.
        Disabled: the account is.
        InvalidField: what the site calls its user is no user id.
    """
    _check_same_origin()
    accounts = chat.storage.accounts
    # Before the site is asked: who signs out meanwhile, does so later than the token says.
    now_ms = chat.storage.in_thread(accounts.now)
    site_user = chat.site_user() if chat.site_user else None
    if site_user is None or site_user == "":
        sign_in_url = chat.settings.login_url or _login_view() or f"{request.script_root}/"
        raise errors.NotSignedIn(rule="site_sign_in", signInUrl=sign_in_url)
    name = chat.names.checked(text_of_id(site_user, "userId"), "userId")
    if user_id is not None and chat.user_key(user_id) != chat.user_key(name):
        raise errors.NotSignedIn(rule="another_on_site")
    account, _ = chat.storage.in_thread(accounts.find, name)
    if account is None or not account.host:
        account = chat.storage.write(accounts.keep_host_name, name)
    if account.disabled:
        raise errors.Disabled
    is_settling = now_ms - account.valid_from < SETTLING_MS
    token, said = chat.tokens.sign_for_site(account.name, now_ms, SETTLING_SECONDS if is_settling else TOKEN_SECONDS)
    return account, token, said


def _check_same_origin() -> None:
    """Every browser of today says where a request comes from; a program that holds the cookie need not."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_same = site in SAME_SITE if site else origin is None or handshake.is_own(origin, request.environ)
    if not is_same:
        raise errors.OriginRefused(rule="cross_site")


def _login_view() -> str | None:
    """Return the address of Flask-Login's view, if the site has one."""
    view: str | None = getattr(getattr(current_app, "login_manager", None), "login_view", None)
    if not view or "/" in view:
        return view
    try:
        return url_for(view)
    except BuildError:
        return None

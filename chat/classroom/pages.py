"""Owns class mode's routes: joining, the teacher's page and its controls, each of which needs the teacher's key."""

from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import segno
from flask import Blueprint, Response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from msgspec import Meta, Struct
from werkzeug.exceptions import HTTPException

from chat import Chat
from chat.classroom.room import Room
from chat.errors import ChatError, Forbidden, NotFound
from chat.web.answers import error_response, http_error_response, json_response
from chat.web.headers import security_headers
from chat.web.rendering import page_response
from chat.web.requests import read_body

TITLE = "선생님 · Teacher"  # of the teacher's notifications
OVER = "수업이 끝났습니다. 여기에 쓴 것은 모두 지워집니다. · The lesson is over. All that was written here is deleted."
NOTE_CHARS = 500


class Join(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=200)]


class Note(Struct, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=NOTE_CHARS)]


class Pause(Struct, forbid_unknown_fields=True):
    paused: bool


def joining(room: Room, chat: Chat) -> Blueprint:
    """Make the pages by which a pupil comes in."""
    pages = _blueprint("joining")

    @pages.get("/join", defaults={"token": ""})
    @pages.get("/join/<token>")
    def show(token: str) -> ResponseReturnValue:
        pupil, is_good = room.pupil_of(claim()), room.is_join_token(token)
        state = "joined" if pupil else "open" if is_good else "old" if token else "none"
        others = [one.name for one in room.pupils if one is not pupil]
        return _page("join", state=state, pupil=pupil, others=others), 404 if state == "old" else 200

    @pages.post("/join/<token>")
    def join(token: str) -> ResponseReturnValue:
        if not room.is_join_token(token):
            raise NotFound
        wanted = read_body(Join)
        pupil = room.pupil_of(claim()) or room.join(wanted.name, "teacher" in session)
        chat.users.put(pupil.name)  # so that others find who has not opened the chat yet
        session.permanent = True
        session["claim"] = pupil.claim
        return json_response({"name": pupil.name})

    return pages


def controls(room: Room, chat: Chat, link: Callable[[], str], end: Callable[[], bool]) -> Blueprint:
    """Make the teacher's pages. `link` returns that of the class; `end` deletes its data, and says whether it could."""
    pages = _blueprint("teaching", "/class")

    @pages.before_request
    def check_key() -> ResponseReturnValue | None:
        if room.is_teacher_key(request.args.get("key", "")):
            session.permanent = session["teacher"] = True
            return redirect(url_for("teaching.board"))  # the projector is not to show the key
        if "teacher" in session:
            return None
        if request.endpoint == "teaching.board":
            return _page("board", state="closed"), Forbidden.status
        raise Forbidden

    @pages.get("")
    def board() -> ResponseReturnValue:
        code = segno.make(link(), error="m").svg_inline(scale=1, border=2, light="#fff", omitsize=True)
        return _page("board", state="open", link=link(), code=code)

    @pages.get("/roster")
    def roster() -> ResponseReturnValue:
        online = chat.server().online
        pupils = [
            {"name": one.name, "here": bool(online.of(one.name)), "step": one.step, "minutes": one.minutes}
            for one in room.pupils
        ]
        return json_response({"pupils": pupils, "paused": room.is_paused})

    @pages.post("/notify")
    def notify() -> ResponseReturnValue:
        text, names = read_body(Note).text, [pupil.name for pupil in room.pupils]
        if names:
            chat.notify(names, text, title=TITLE, level="warning")
        return json_response({"pupils": len(names)})

    @pages.post("/pause")
    def pause() -> ResponseReturnValue:
        room.is_paused = read_body(Pause).paused
        return json_response({"paused": room.is_paused})

    @pages.post("/free")
    def free() -> ResponseReturnValue:
        name = read_body(Join).name
        room.leave(name)
        chat.sign_out(name)
        return json_response({})

    @pages.post("/end")
    def end_lesson() -> ResponseReturnValue:
        for pupil in room.pupils:
            with suppress(ChatError):  # it ends, whether the disk is full or not
                chat.notify(pupil.name, OVER, title=TITLE)
        return json_response({"deleted": end()})

    return pages


def claim() -> str:
    """Return what the current request's cookie says of who it is; "": nothing."""
    return str(session.get("claim", ""))


def _blueprint(name: str, url_prefix: str | None = None) -> Blueprint:
    pages = Blueprint(name, __name__, url_prefix=url_prefix)
    pages.register_error_handler(ChatError, error_response)
    pages.register_error_handler(HTTPException, http_error_response)

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers.update(security_headers(request.is_secure) | {"Cache-Control": "no-store"})
        return response

    return pages


def _page(name: str, **shown: object) -> Response:
    return page_response(f"classroom/{name}.html", name=name, steps=(), **shown)

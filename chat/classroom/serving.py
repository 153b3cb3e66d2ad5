"""Owns the program that serves a class, from its arguments to its end: the app, the address, what the terminal shows."""

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import gevent
import segno
from flask import Flask, Response, request

from chat import Chat, events, handlers, process
from chat.classroom import pages
from chat.classroom.addresses import Address, chosen, own_addresses
from chat.classroom.room import Room
from chat.client import Client
from chat.errors import ChatError
from chat.protocol import structs
from chat.resources import ROOT
from chat.router import Answer
from chat.web.answers import error_response

HOURS = 12  # a browser keeps its name so long; no lesson lasts longer
BLOCKS = "▀▄█"  # of which the terminal's QR code is made, where it can show them
# Beside Ctrl-C. Windows has no SIGHUP, and sends no SIGTERM.
ENDING_SIGNALS = ("SIGTERM", "SIGHUP")


class Classroom:
    """One lesson: its class, its app, and where it is. Its data are in `folder`, and nowhere else."""

    def __init__(self, folder: str, hosts: list[str] | None = None) -> None:
        self.room = Room()
        self.link = ""  # once it is known where it listens
        self.stop: Callable[[], None] = lambda: None
        self._folder = folder
        self.app = Flask("classroom", root_path=str(ROOT), instance_path=folder, static_folder=None)
        self.app.config.update(
            SECRET_KEY=self.room.secret, SESSION_COOKIE_NAME="class", SESSION_COOKIE_SAMESITE="Lax",
            PERMANENT_SESSION_LIFETIME=HOURS * 3600,
            # Whatever the environment says: nothing of it outlives the lesson, and nothing leaves the machine.
            CHAT_DATABASE_URL="", CHAT_TOKEN_SECRET=self.room.secret, CHAT_BUS_URL="", CHAT_WEBHOOK_URL="",
            CHAT_AUTH="required", CHAT_LEARN="on", CHAT_LOGIN_URL="/join", CHAT_HOSTS=hosts or [], CHAT_TRUSTED_PROXIES=0,
        )  # fmt: skip
        own_events = events.copy()
        own_events.on("chat", structs.Chat)(self._chat)
        self.chat = Chat(events=own_events)
        self.chat.identify(lambda: getattr(self.room.pupil_of(pages.claim()), "name", None))
        self.chat.init_app(self.app, url_prefix="/")
        self.app.register_blueprint(pages.joining(self.room, self.chat))
        self.app.register_blueprint(pages.controls(self.room, self.chat, lambda: self.link, self.end))
        self.app.before_request(self._before)
        self.app.after_request(self._after)

    def _chat(self, client: Client, event: structs.Chat) -> Answer:
        """As ever, unless the teacher has paused writing."""
        self.room.check_writing()
        return handlers.chat(client, event)

    def _before(self) -> Response | None:
        if request.endpoint == "chat_api.send_message":
            try:
                self.room.check_writing()
            except ChatError as error:
                return error_response(error)
        return None

    def _after(self, response: Response) -> Response:
        if request.endpoint == "chat.learn_step" and response.status_code == 200:
            self.room.note_step(pages.claim(), str((request.view_args or {})["name"]))
        return response

    def begin(self, where: str, stop: Callable[[], None]) -> None:
        """It listens: `where` is what comes before the path in its links."""
        self.link, self.stop = f"{where}/join/{self.room.join_token}", stop
        for name in ENDING_SIGNALS:
            if hasattr(signal, name):
                gevent.signal_handler(getattr(signal, name), stop)

    def end(self) -> bool:
        """End the lesson, and return whether its data could be deleted. The server stops behind the answer."""
        self.chat.server().stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        gevent.spawn(self.stop)
        return not Path(self._folder).exists()


@click.command()
@click.option("--host", help="Which of this machine's addresses; 0.0.0.0: all. It chooses by itself, and says which.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0: a free one.")
def main(host: str | None, port: int) -> None:
    """Serve one lesson's class, until Ctrl-C or until the teacher ends it. See docs/class.md."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console that lacks a letter
    own = own_addresses()

    def begun(_host: str, bound: int, stop: Callable[[], None]) -> None:
        classroom.begin(f"http://{shown}:{bound}", stop)
        _tell(classroom, shown, own)

    try:
        host, shown = chosen(host, own)
        with TemporaryDirectory(prefix="chat-class-", ignore_cleanup_errors=True) as folder:
            classroom = Classroom(folder, [*(one.ip for one in own), "127.0.0.1", "localhost", shown])
            process.serve_by_pywsgi(classroom.app, classroom.app.extensions["chat"], host, port, begun, log=None)
    except ChatError as error:
        process.refuse_start(error)
    if Path(folder).exists():
        sys.exit(f"Not all data of the class could be deleted. Delete this folder: {folder}")
    print("수업이 끝났고 데이터를 모두 지웠습니다. The lesson is over, and its data are deleted.")


def _tell(classroom: Classroom, shown: str, own: list[Address]) -> None:
    """Print what a teacher needs, the links last."""
    encoding = sys.stdout.encoding or "ascii"
    segno.make(classroom.link, error="m").terminal(compact=BLOCKS.encode(encoding, "ignore").decode(encoding) == BLOCKS)
    others = ", ".join(f"{one.ip} ({one.card})" for one in own if one.ip != shown)
    cards = {one.ip: one.card for one in own}
    where = classroom.link.removesuffix(f"/join/{classroom.room.join_token}")
    print(f"주소 · Address   {shown} ({cards.get(shown, 'this machine alone')})")
    if others:
        print(f"                 --host: {others}")
    print(f"학생 · Pupils    {classroom.link}")
    print(f"선생님 · Teacher {where}/class?key={classroom.room.teacher_key}")
    print("Ctrl-C: 수업을 끝내고 모두 지웁니다 · ends the lesson and deletes all of it. docs/class.md", flush=True)


if __name__ == "__main__":
    main(prog_name="python -m chat.classroom")

"""Class mode's routes: what needs the link, what needs the key, and that there are none without it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chat import create_app
from chat.classroom.serving import Classroom
from chat.rules import SENTENCES
from chat.web import messages
from tests.conftest import ROOT
from tests.test_errors import CLASSES


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    classroom = Classroom(str(tmp_path))
    classroom.app.testing = True
    classroom.begin("http://localhost", lambda: None)
    return classroom


@pytest.fixture
def teacher(classroom: Classroom) -> FlaskClient:
    client = classroom.app.test_client()
    answer = client.get(f"/class?key={classroom.room.teacher_key}")
    assert (answer.status_code, answer.location) == (302, "/class"), "the projector is not to show the key"
    return client


def joined(classroom: Classroom, name: str) -> FlaskClient:
    client = classroom.app.test_client()
    answer = client.post(f"/join/{classroom.room.join_token}", json={"name": name})
    assert answer.get_json() == {"name": name}
    return client


def controls(app: Flask) -> list[tuple[str, str]]:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/class")]
    return [(method, rule.rule) for rule in rules for method in (rule.methods or set()) & {"GET", "POST"}]


def test_both_documents_have_the_same_errors_and_these_are_the_programs_own() -> None:
    tables = [
        re.findall(r"^\| (4\d\d) \| `(\w+)` \| (?:`(\w+)`)?", (ROOT / f"docs/{name}.md").read_text("utf-8"), re.M)
        for name in ("class", "class.ko")
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 6
    known = {(str(error.status), error.code) for error in CLASSES.values()}
    assert {(status, code) for status, code, _ in tables[0]} <= known
    assert {rule for _, _, rule in tables[0]} <= {"", *SENTENCES}


BODIES: dict[str, Any] = {
    "/class/notify": {"text": "hi"},
    "/class/pause": {"paused": True},
    "/class/free": {"name": "alice"},
}


def test_every_control_is_refused_without_the_key_or_with_a_wrong_one(classroom: Classroom) -> None:
    found = controls(classroom.app)
    assert {path for _, path in found} == {"/class", "/class/roster", "/class/end", *BODIES}
    alice = joined(classroom, "alice")
    for client in (classroom.app.test_client(), alice):
        for method, path in found:
            for query in ("", "?key=", "?key=wrong", "?key=선생님"):
                answer = client.open(path + query, method=method, json=BODIES.get(path))
                assert answer.status_code == 403, (method, path)
    assert not classroom.room.is_paused
    assert [pupil.name for pupil in classroom.room.pupils] == ["alice"]


def test_the_key_of_another_lesson_is_none(classroom: Classroom, tmp_path: Path) -> None:
    other = Classroom(str(tmp_path / "other"))
    client = classroom.app.test_client()
    client.get(f"/class?key={other.room.teacher_key}")
    assert client.get("/class/roster").status_code == 403


def test_a_cookie_of_another_lesson_is_none(classroom: Classroom, teacher: FlaskClient, tmp_path: Path) -> None:
    other = Classroom(str(tmp_path / "other"))
    other.app.testing = True
    client = other.app.test_client()
    cookie = teacher.get_cookie("class")
    assert cookie is not None
    client.set_cookie("class", cookie.value)
    assert client.get("/class/roster").status_code == 403
    assert teacher.get("/class/roster").status_code == 200


def test_without_class_mode_there_is_none_of_it(classroom: Classroom) -> None:
    client = create_app({"TESTING": True}).test_client()
    for method, path in [*controls(classroom.app), ("GET", "/join"), ("GET", "/join/x"), ("POST", "/join/x")]:
        answer = client.open(path, method=method, json=BODIES.get(path))
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "not_found"), (method, path)


def test_the_link_of_another_lesson_says_so_and_lets_nobody_in(classroom: Classroom) -> None:
    client = classroom.app.test_client()
    page = client.get("/join/abcdefgh")
    assert (page.status_code, 'data-text="class.old"' in page.text) == (404, True)
    refused = client.post("/join/abcdefgh", json={"name": "alice"})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (404, "not_found")
    assert 'data-text="class.none"' in client.get("/join").text
    assert client.post("/api/session").status_code == 401


def test_a_name_is_its_browsers_and_nobody_elses(classroom: Classroom) -> None:
    alice = joined(classroom, "alice")
    other = classroom.app.test_client()
    refused = other.post(f"/join/{classroom.room.join_token}", json={"name": "ALICE"})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "name_taken")
    assert other.post("/api/session").status_code == 401
    assert alice.post("/api/session").get_json()["userId"] == "alice"
    again = alice.post(f"/join/{classroom.room.join_token}", json={"name": "carol"})
    assert again.get_json() == {"name": "alice"}, "one name for a browser"


def test_who_is_in_sees_whom_to_write_to_and_nobody_else_does(classroom: Classroom) -> None:
    alice = joined(classroom, "alice")
    joined(classroom, "김민준")
    address = f"/join/{classroom.room.join_token}"
    assert re.findall(r'<li><a .*href="(.*?)"', alice.get(address).text) == ["/#%EA%B9%80%EB%AF%BC%EC%A4%80"]
    assert "/#" not in classroom.app.test_client().get(address).text


def test_a_name_that_was_freed_is_its_browsers_no_more(classroom: Classroom, teacher: FlaskClient) -> None:
    alice = joined(classroom, "alice")
    assert alice.post("/api/session").status_code == 201
    assert teacher.post("/class/free", json={"name": "alice"}).status_code == 200
    assert alice.post("/api/session").status_code == 401
    joined(classroom, "alice")


def test_the_roster_says_which_step_of_learn_was_opened(classroom: Classroom, teacher: FlaskClient) -> None:
    alice = joined(classroom, "alice")
    assert alice.get("/learn/frame").status_code == 200
    assert alice.get("/learn/nothing").status_code == 404
    said = teacher.get("/class/roster").get_json()
    assert said == {"pupils": [{"name": "alice", "here": False, "step": "frame", "minutes": 0}], "paused": False}


def test_each_page_of_learn_is_a_guest_whom_the_server_makes_for_a_pupil(classroom: Classroom) -> None:
    alice = joined(classroom, "alice")

    def guest(token: str) -> Any:
        return alice.post("/learn/guest", headers={"Authorization": f"Bearer {token}"})

    assert guest("forged").status_code == 401
    made = guest(alice.post("/api/session").get_json()["token"]).get_json()
    admitted, _ = classroom.app.extensions["chat"].directory.admit(made["userId"], made["token"])
    assert admitted.startswith("learn-")


def test_nobody_is_shown_under_another_name(classroom: Classroom) -> None:
    alice = joined(classroom, "alice")
    headers = {"Authorization": f"Bearer {alice.post('/api/session').get_json()['token']}"}
    refused = alice.put("/api/profile", json={"displayName": "선생님"}, headers=headers)
    assert refused.get_json()["error"]["rule"] == "profile_of_site"


def test_who_is_paused_writes_over_http_neither(classroom: Classroom, teacher: FlaskClient) -> None:
    assert f"chat_api.{messages.send_message.__name__}" in classroom.app.view_functions
    alice = joined(classroom, "alice")
    joined(classroom, "bob")
    headers = {"Authorization": f"Bearer {alice.post('/api/session').get_json()['token']}"}

    def send() -> Any:
        return alice.post("/api/conversations/bob/messages", json={"message": "hi"}, headers=headers)

    assert send().status_code == 201
    teacher.post("/class/pause", json={"paused": True})
    refused = send()
    assert (refused.status_code, refused.get_json()["error"]["rule"]) == (403, "writing_paused")
    teacher.post("/class/pause", json={"paused": False})
    assert send().status_code == 201


def test_all_are_notified(classroom: Classroom, teacher: FlaskClient) -> None:
    assert teacher.post("/class/notify", json={"text": "hi"}).get_json() == {"pupils": 0}
    for name in ("alice", "bob"):
        joined(classroom, name)
    with classroom.chat.record() as outbox:
        assert teacher.post("/class/notify", json={"text": "Look here!"}).get_json() == {"pupils": 2}
    assert [(one.to, one.message) for one in outbox.notifications] == [("alice", "Look here!"), ("bob", "Look here!")]


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "x" * 501}, {"text": 1}, {}, {"text": "hi", "more": 1}])
def test_a_control_takes_nothing_malformed(teacher: FlaskClient, body: dict[str, Any]) -> None:
    assert teacher.post("/class/notify", json=body).status_code == 400


def test_a_form_of_another_site_is_no_control(teacher: FlaskClient) -> None:
    assert teacher.post("/class/pause", data='{"paused": true}', content_type="text/plain").status_code == 415


def test_data_lie_in_the_lessons_folder_whatever_the_environment_says(tmp_path: Path) -> None:
    chat = Classroom(str(tmp_path)).app.extensions["chat"]
    assert str(tmp_path) in chat.storage.database.engine.url.render_as_string()
    assert chat.settings.webhook_url == chat.settings.bus_url == ""
    chat.stop()

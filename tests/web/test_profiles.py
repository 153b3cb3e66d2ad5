"""Profiles over HTTP and the socket: who may say how somebody is shown, whom a search finds by it, and who hears of it."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import gevent
import pytest
import requests
from PIL import Image
from werkzeug.test import TestResponse

from chat.people import pictures
from chat.people.pictures import picture_of
from chat.protocol.profiles import Profile
from tests.clients import Person
from tests.conftest import MakeChat, Server
from tests.web.conftest import Api, fault

SECONDS = 10


def image(kind: str = "PNG", size: tuple[int, int] = (300, 200), **options: Any) -> bytes:
    Image.new("RGB", size, "teal").save(out := BytesIO(), kind, **options)
    return out.getvalue()


def ask(api: Api, method: str, path: str, body: Any = None, header: dict[str, str] | None = None) -> TestResponse:
    data = None if body is None else json.dumps(body)
    header = header or api.header("alice")
    return api.client.open(f"/api{path}", method=method, data=data, headers=header, content_type="application/json")


def upload(api: Api, data: bytes, user_id: str = "alice") -> TestResponse:
    body = {"image": base64.b64encode(data).decode()}
    return ask(api, "PUT", "/profile/picture", body, api.header(user_id))


def shown(api: Api, *users: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(api, "POST", "/profiles", {"userIds": users}).json["profiles"]
    return found


def test_a_service_says_how_users_are_shown_one_or_many_all_or_none(api_on_each: Api) -> None:
    api = api_on_each
    users = api.service("users")
    assert ask(api, "PUT", "/users/bob", {"displayName": " Bob Park ", "subtitle": "Sales"}, users).status_code == 204
    assert shown(api, "bob", "carol") == {"bob": {"displayName": "Bob Park", "subtitle": "Sales"}}
    many = [{"userId": f"user{n}", "displayName": f"User {n}"} for n in range(1_200)]
    assert ask(api, "POST", "/users", {"users": many}, users).json == {"changed": 1_200}
    assert ask(api, "POST", "/users", {"users": many}, users).json == {"changed": 0}, "said again, it changes nothing"
    bad = [{"userId": "bob", "displayName": "Robert"}, {"userId": "eve", "displayName": "a\x07"}]
    assert fault(ask(api, "POST", "/users", {"users": bad}, users)) == (400, "invalid_field", "users[1].displayName")
    for wrong in ({"displayName": "Eve"}, {"userId": "eve", "name": "Eve"}):
        answer = ask(api, "POST", "/users", {"users": [bad[0], wrong]}, users)
        assert fault(answer)[2] == ("users[1].name" if "name" in wrong else "users[1].userId")
    assert shown(api, "bob")["bob"]["displayName"] == "Bob Park", "nothing of it was stored"
    assert ask(api, "PUT", "/users/bob", {}, users).status_code == 204
    assert shown(api, "bob") == {}
    assert not api.chat.storage.accounts.unknown(["bob", "user7"]), "who was named is known"


def test_a_service_may_spell_a_user_in_any_case_and_the_last_of_two_spellings_counts(
    api_on_each: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, users = api_on_each, api_on_each.service("users")
    api.say(("me", "bob", "hi"))
    told: list[str] = []
    monkeypatch.setattr(api.chat.online, "emit", lambda frame, to: told.append(to))
    many = [{"userId": "Bob", "displayName": "Robert"}, {"userId": "BOB", "displayName": "Bob Park"}]
    assert ask(api, "POST", "/users", {"users": many}, users).json == {"changed": 1}
    assert shown(api, "bob") == {"bob": {"displayName": "Bob Park"}}
    find = lambda text: [user["userId"] for user in api.get("/users", "eve", q=text).json["users"]]  # noqa: E731
    assert (find("park"), find("robert")) == (["bob"], [])
    with gevent.Timeout(SECONDS):
        while len(told) < 2:
            gevent.sleep(0.01)
    assert sorted(told) == ["bob", "me"]
    assert ask(api, "PUT", "/users/BoB", {}, users).status_code == 204
    assert (shown(api, "bob"), find("park")) == ({}, [])


def test_only_a_service_with_the_scope_users_says_how_others_are_shown(api_on_sqlite: Api) -> None:
    api = api_on_sqlite
    for header in (api.service("notify"), api.header("alice")):
        assert ask(api, "PUT", "/users/bob", {"displayName": "Bob"}, header).status_code == 403
        assert ask(api, "POST", "/users", {"users": [{"userId": "bob"}]}, header).status_code == 403


def test_people_are_found_by_any_word_of_their_display_name_and_by_their_id(api_on_each: Api) -> None:
    api = api_on_each
    names = {"u1": "Alice Smith", "u2": "Ángela SMITHSON", "u3": "김민수", "smith9": None, "u5": "Goldsmith"}
    api.chat.profiles.put({user: Profile(display_name=name) for user, name in names.items()})
    api.say(("me", "u5", "hi"))
    find = lambda text: [user["userId"] for user in api.get("/users", "me", q=text).json["users"]]  # noqa: E731
    assert find("smith") == ["u5", "smith9", "u1", "u2"], "of a partner's name any part"
    assert find("alice sm") == ["u1"]
    assert find("ÁNG") == find("A\u0301ng") == ["u2"]
    assert find("김민") == ["u3"]
    api.chat.profiles.put({"u1": Profile(display_name="Alice Jones")})
    assert find("alice j") == ["u1"]
    assert "u1" not in find("smith")
    answer = api.get("/users", "me", q="alice").json
    assert answer["profiles"] == {"u1": {"displayName": "Alice Jones"}}
    listed = api.get("/conversations", "me").json
    assert (
        listed["profiles"] == api.get("/search", "me", q="hi").json["profiles"] == {"u5": {"displayName": "Goldsmith"}}
    )


def test_an_uploaded_picture_is_kept_as_two_squares_without_its_metadata(api_on_each: Api) -> None:
    api = api_on_each
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    address = upload(api, image("JPEG", exif=exif) + b"<script>").json["avatarUrl"]
    small, large = (api.chat.storage.profiles.picture(address[8:40], is_large) for is_large in (False, True))
    for data, side in ((small, 96), (large, 256)):
        assert data is not None
        kept = Image.open(BytesIO(data))
        assert (kept.format, kept.size, dict(kept.getexif())) == ("WEBP", (side, side), {})
        assert b"taken at home" not in data
        assert b"<script>" not in data
    ask(api, "PUT", "/profile", {"displayName": "Alice", "subtitle": ""})
    assert shown(api, "alice") == {"alice": {"displayName": "Alice", "avatarUrl": address}}, "the picture stays"
    upload(api, image("JPEG", exif=exif), "bob")
    assert ask(api, "DELETE", "/profile/picture").json == {"displayName": "Alice"}
    assert api.chat.storage.profiles.picture(address[8:40], True), "bob has it too"
    upload(api, image("GIF", size=(1, 1)), "bob")
    assert api.chat.storage.profiles.picture(address[8:40], True) is None, "nobody has it any more"


def test_a_picture_stands_as_its_camera_was_held() -> None:
    whole = Image.new("RGB", (40, 40), "white")
    whole.paste("black", (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    whole.save(out := BytesIO(), "JPEG", exif=exif)
    kept = Image.open(BytesIO(picture_of(out.getvalue()).large)).convert("L")
    assert kept.getpixel((128, 40)) > 200 > 50 > kept.getpixel((128, 200))


def test_without_pillow_an_upload_is_refused_by_name(api_on_sqlite: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    data = image()
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    assert fault(upload(api_on_sqlite, data)) == (501, "pictures_off", None)
    assert not pictures.are_on()


def test_where_the_site_says_how_users_are_shown_they_do_not(make_chat: MakeChat) -> None:
    api = Api(make_chat())
    api.chat.profiles.is_sites = True
    for answer in (ask(api, "PUT", "/profile", {"displayName": "Admin"}), upload(api, image())):
        assert fault(answer) == (403, "forbidden", None)
    assert ask(api, "GET", "/profile").json == {"profile": {}, "editable": False, "pictures": True}


def test_a_change_reaches_the_open_pages_of_partners_and_one_s_own_and_no_others(server: Server) -> None:
    with Person(server.ws, "pia") as pia, Person(server.ws, "quin") as quin, Person(server.ws, "rob") as rob:
        assert pia.ask(type="chat", toUserId="quin", message="hi")["type"] == "ack"
        quin.receive("chat")
        session = requests.post(f"{server.http}/api/session", json={"userId": "pia"}, timeout=SECONDS).json()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        body = {"image": base64.b64encode(image()).decode()}
        answer = requests.put(f"{server.http}/api/profile/picture", json=body, headers=bearer, timeout=SECONDS).json()
        for person in (pia, quin):
            assert person.receive("profile") == {"type": "profile", "userId": "pia", "profile": answer}
        assert rob.hears_nothing()
        quin.send(type="init", userId="quin", sync=True)
        assert quin.receive("ready")["profiles"] == {"pia": answer}
    served = requests.get(f"{server.http}/{answer['avatarUrl']}", timeout=SECONDS)
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(BytesIO(served.content)).size == (96, 96)
    assert requests.get(f"{server.http}/avatars/{'0' * 32}-96.webp", timeout=SECONDS).status_code == 404

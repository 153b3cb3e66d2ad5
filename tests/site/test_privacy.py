"""What data protection asks for: all that is kept of a person is given out, and erased, and nobody else loses a word."""

from __future__ import annotations

import json

import pytest

from chat.site import privacy
from chat.storage import person
from tests.site.conftest import Site

SECRET = "nobody else wrote this"


@pytest.fixture
def full(site: Site) -> Site:
    """Alice has everything that there is of anybody; bob and carol are to lose nothing."""
    site.storage.accounts.give_password("alice", "a hash")
    site.write(
        ("alice", "bob", f"{SECRET} 1"), ("bob", "alice", "bob's own words"), ("alice", "bob", f"{SECRET} 2"),
        ("alice", "bob", f"{SECRET} 3"), ("bob", "alice", "the last of bob's"), ("carol", "alice", "carol's words"),
        ("alice", "alice", f"{SECRET}: a note"), ("bob", "carol", "between others"),
    )  # fmt: skip
    while site.storage.search_index.step():
        pass
    with site.app.app_context():
        for number in range(3):
            site.chat.notify("alice", f"{SECRET}, notice {number}", title="For alice", link="/orders/7")
        site.chat.notify("bob", "for bob")
        site.chat.users.put("alice", display_name=f"Alice: {SECRET}", subtitle="Sells bicycles")
    site.storage.blocks.add("alice", "mallory")
    site.storage.blocks.add("bob", "alice")
    site.storage.last_seen.note({"alice": 1_000, "bob": 2_000})
    site.storage.sessions.begin("alice", "a-session", 1, 1_000, 4_000_000_000)
    return site


def test_all_that_is_kept_of_a_person_is_given_out_as_json(full: Site) -> None:
    with full.app.app_context():
        lines = [json.loads(json.dumps(one)) for one in full.chat.export("alice")]
    kinds = [one["kind"] for one in lines]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "account": 1, "profile": 1, "session": 1, "block": 1, "notification": 3, "conversation": 3, "message": 7,
    }  # fmt: skip
    assert lines[0] == {
        "kind": "account",
        "userId": "alice",
        "createdAt": lines[0]["createdAt"],
        "lastSeen": "1970-01-01T00:00:01.000Z",
    }
    told = json.dumps(lines)
    assert "bob's own words" in told, "what they were told is about them too"
    assert "a hash" not in told
    assert "between others" not in told
    assert '"bob", "since"' not in told, "who has blocked them is the others' own business"


def test_it_is_read_page_by_page(full: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with full.app.app_context():
        whole = [*full.chat.export("alice")]
        monkeypatch.setattr(privacy, "MESSAGES", 2)
        assert [*full.chat.export("alice")] == whole


def test_who_is_erased_leaves_no_word_behind_and_others_keep_theirs(full: Site) -> None:
    with full.app.app_context():
        assert full.chat.erase("alice") == (4, 3)
        assert [(one.seq, one.message) for one in full.chat.messages.history("alice", "bob")] == [
            (1, ""), (2, "bob's own words"), (3, ""), (4, ""), (5, "the last of bob's"),
        ]  # fmt: skip
        assert [one.message for one in full.chat.messages.history("bob", "carol")] == ["between others"]
        assert full.chat.unread("bob").notifications == 1
        left = [*full.chat.export("alice")]
    assert not [one for one in left if one["kind"] in ("session", "block", "conversation-settings", "profile")]
    assert SECRET not in json.dumps(left)
    assert full.storage.blocks.listed("bob") != [], "who blocked them stays safe from whoever gets the id"
    assert full.storage.notifications.last_id() == 4, "no id is given twice"


def test_neither_the_tables_nor_the_search_hold_a_word(full: Site) -> None:
    with full.app.app_context():
        full.chat.erase("alice")
    with full.storage.database.reading() as connection:
        for table in ("messages", "notifications", "accounts", "profiles", "profile_words"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert SECRET not in str(rows)
        index = connection.exec_driver_sql("SELECT rowid FROM trigrams WHERE body LIKE ?", (f"%{SECRET}%",))
        assert index.all() == []
    assert full.storage.search.messages("bob", SECRET, 10).messages == []
    assert len(full.storage.search.messages("bob", "own words", 10).messages) == 1, "and finds what is left"


def test_open_pages_learn_which_messages_went(full: Site) -> None:
    with full.app.app_context():
        full.chat.erase("alice")
    changes, last = full.storage.messages.changes("bob", "alice", 0, 10)
    assert [(one.kind, one.first_seq, one.last_seq) for one in changes] == [("erased", 1, 1), ("erased", 3, 4)]
    assert last == 2


def test_who_is_erased_is_shut_out_and_nobody_gets_the_name(full: Site) -> None:
    with full.app.app_context():
        full.chat.erase("alice")
    account, _ = full.storage.accounts.find("alice")
    assert account is not None
    assert (account.disabled, account.password) == (True, None)
    assert full.storage.accounts.sign_up("alice", "another hash") is None
    answer = full.app.test_client().post("/chat/api/session", json={"userId": "alice"})
    assert answer.status_code == 401


def test_many_messages_go_in_slices(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person, "SLICE", 2)
    site.write(*[("alice", "bob", f"{SECRET} {n}") for n in range(7)])
    with site.app.app_context():
        assert site.chat.erase("alice").messages == 7
        assert {one.message for one in site.chat.messages.history("alice", "bob")} == {""}
        assert site.chat.erase("alice") == (0, 0), "called again, it finds nothing"


def test_the_commands_export_and_erase(full: Site) -> None:
    runner = full.app.test_cli_runner()
    exported = runner.invoke(args=["chat", "export-user", "alice"])
    assert exported.exit_code == 0
    assert len([json.loads(line) for line in exported.output.splitlines()]) == 17
    assert runner.invoke(args=["chat", "erase-user", "alice"], input="n\n").exit_code == 1
    erased = runner.invoke(args=["chat", "erase-user", "alice", "--yes"])
    assert erased.output == "alice is erased: 4 messages, 3 notifications.\n"
    for command in (["export-user", "nobody"], ["erase-user", "nobody", "--yes"]):
        refused = runner.invoke(args=["chat", *command])
        assert (refused.exit_code, refused.output) == (1, "Error: Nothing is stored of a user nobody.\n")
    assert full.storage.accounts.find("nobody")[0] is None

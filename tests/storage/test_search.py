"""What is found of what was written, on both engines, with the index and without."""

from __future__ import annotations

import random
import time
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from chat.errors import Unavailable
from chat.storage import database, look_up, newest_first, search, short_conversations, trigrams
from chat.storage.records import Found, Send, direct_key
from chat.storage.storage import Storage
from tests.postgres import Postgres
from tests.storage.conftest import make_tables, open_storage


def say(storage: Storage, *messages: tuple[str, str, str]) -> None:
    storage.writer.commit([Send(*message, None) for message in messages])


def index(storage: Storage) -> None:
    while storage.search_index.step():
        pass


def find(storage: Storage, wanted: str, user: str = "alice", limit: int = 50) -> list[str]:
    return [found.message.body for found in storage.search.messages(user, wanted, limit).messages]


@pytest.fixture(
    params=["with the index", "of common trigrams", "in long conversations", "behind the index", "without an index"]
)
def kept(request: pytest.FixtureRequest, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A storage, and what has to happen to what was written before it is looked for."""
    if request.param in ("of common trigrams", "in long conversations"):
        monkeypatch.setattr(trigrams, "RARE", 1)
    if request.param == "in long conversations":
        monkeypatch.setattr(short_conversations, "SHORT", 0)
        monkeypatch.setattr(search, "READ_ON_POSTGRES", 0)
        monkeypatch.setattr(search, "READ_FIRST", 0)
    if request.param == "without an index":
        with storage.database.transaction() as connection:
            sqlite = storage.database.engine.dialect.name == "sqlite"
            connection.execute(text(f"DROP {'TABLE' if sqlite else 'INDEX'} trigrams"))
    is_indexed = request.param in ("with the index", "of common trigrams", "in long conversations")
    return storage, (index if is_indexed else lambda storage: None)


def test_a_text_is_found_wherever_it_stands_in_ones_messages(kept: Any) -> None:
    storage, written = kept
    say(storage, ("alice", "bob", "See you at the Library"), ("bob", "alice", "내일 도서관에서 만나요"))
    written(storage)
    for wanted in ("library", "LIBR", "brary", "the l", "e", "Se"):
        assert find(storage, wanted) == ["See you at the Library"], wanted
    for wanted in ("도서관에서", "서관에", "관", "도서", "내일 도서관"):
        assert find(storage, wanted) == ["내일 도서관에서 만나요"], wanted
    assert find(storage, "theatre") == []
    assert find(storage, "") == []


def test_on_postgresql_a_dotted_i_is_an_i_whether_the_index_is_asked_or_the_messages_are_read(kept: Any) -> None:
    storage, written = kept
    say(storage, ("alice", "bob", "\u0130stanbul"), ("alice", "bob", "istanbul"))
    written(storage)
    found = ["istanbul"] if storage.database.is_sqlite else ["istanbul", "\u0130stanbul"]
    assert sorted(find(storage, "istanbul")) == found
    assert find(storage, "\u0130stanbul")[-1:] == ["\u0130stanbul"]


def test_a_letter_in_parts_is_the_same_as_a_whole_one_whoever_wrote_which(kept: Any) -> None:
    storage, written = kept
    whole, in_parts = "각 나라의 학교 자료.pdf", unicodedata.normalize("NFD", "각 나라의 학교 사진.jpg")
    say(storage, ("alice", "bob", whole), ("alice", "bob", in_parts), ("alice", "bob", "r\u00e9sum\u00e9"))
    written(storage)
    for form in ("NFC", "NFD"):
        for wanted in ("학교", "나라의 학교", "각"):
            assert find(storage, unicodedata.normalize(form, wanted)) == [in_parts, whole], (form, wanted)
        assert find(storage, unicodedata.normalize(form, "R\u00e9Sum\u00e9")) == ["r\u00e9sum\u00e9"]
        assert find(storage, unicodedata.normalize(form, "하")) == []  # which only begins the parts of 학


def test_every_sign_stands_for_itself(kept: Any) -> None:
    storage, written = kept
    odd = ['100% "sure"', "100 sure", "snake_case_name", "snakeXcaseXname", "a\\b\\c", "it's*", "NOT x AND (y"]
    say(storage, *(("alice", "bob", body) for body in odd))
    written(storage)
    expected = {
        "0% ": [odd[0]], "%": [odd[0]], '"': [odd[0]], '% "su': [odd[0]], "_case_": [odd[2]], "_": [odd[2]],
        "\\": [odd[4]], "\\b\\": [odd[4]], "'": [odd[5]], "t's*": [odd[5]], "*": [odd[5]],
        "NOT x AND (": [odd[6]], "AND": [odd[6]], "\0": [], "su\0re": [], '""': [], "body:": [],
    }  # fmt: skip
    for wanted, bodies in expected.items():
        assert find(storage, wanted) == bodies, wanted


def test_of_a_long_text_every_letter_counts(kept: Any) -> None:
    storage, written = kept
    repetitive, sentence = ("a" * 150 + "b") * 3, "The quick brown fox jumps over the lazy dog, 그리고 개는 잔다."
    say(storage, ("alice", "bob", repetitive), ("bob", "alice", sentence))
    written(storage)
    for wanted in ("a" * 150 + "b" + "a" * 49, "b" + "a" * 150, "A" * 150):
        assert find(storage, wanted) == [repetitive], wanted
    for wanted in (sentence, sentence[4:-3], "BROWN fox jumps OVER the lazy dog"):
        assert find(storage, wanted) == [sentence], wanted
    for wanted in (
        "a" * 151,
        "b" + "a" * 150 + "c",
        "the quick brown fox jumps over the lazy cat",
        "brown fox jumps o e",
    ):
        assert find(storage, wanted) == [], wanted


def test_other_peoples_conversations_are_not_searched(kept: Any) -> None:
    storage, written = kept
    say(storage, ("bob", "carol", "a secret"), ("alice", "bob", "no secret"))
    written(storage)
    assert find(storage, "secret", "alice") == ["no secret"]
    assert find(storage, "secret", "carol") == ["a secret"]
    assert find(storage, "secret", "nobody") == []


def test_pages_follow_each_other_the_newest_first_and_lose_none_of_the_same_moment(kept: Any) -> None:
    storage, written = kept
    bodies = []
    for moment in range(5):
        storage.database.own_clock._clock = lambda moment=moment: 1000.0 + moment
        batch = [
            (("alice", other, f"word {moment} {other} {n}")) for other in ("bob", "carol", "dave")
            for n in range(3)
        ]  # fmt: skip
        say(storage, *batch)
        bodies += [body for *_, body in batch]
    written(storage)
    found: list[str] = []
    before = None
    while True:
        page = storage.search.messages("alice", "word", 4, before)
        found += [one.message.body for one in page.messages]
        if not page.more:
            break
        last = page.messages[-1]
        before = last.message.sent_at, last.with_user_id, last.message.seq
    assert len(found) == len(set(found)) == 45
    assert sorted(found, key=lambda body: body.split()[1], reverse=True) == found
    assert set(found) == set(bodies)


@pytest.mark.parametrize(
    ("read_first", "conversations"), [(0, 1_000), (10, 1_000), (40, 1_000), (1_000, 1_000), (1_000, 3)],
    ids=["by the index", "few are read", "some are read", "all are read", "and not all conversations"],
)  # fmt: skip
def test_on_postgresql_all_pages_are_in_order_however_much_is_read_before_the_index_is_asked(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, read_first: int, conversations: int
) -> None:
    if storage.database.is_sqlite:
        return  # each conversation has its place in its index
    monkeypatch.setattr(search, "READ_ON_POSTGRES", 0)
    monkeypatch.setattr(search, "READ_FIRST", read_first)
    monkeypatch.setattr(search, "CONVERSATIONS", conversations)
    monkeypatch.setattr(newest_first, "FIRST_READ", 4)
    monkeypatch.setattr(newest_first, "AT_LEAST", 2)
    dice = random.Random(7)
    others = ["bob", "carol", "dave", "erin"]
    seconds = 10_000
    expected = []
    for number in range(200):
        seconds += dice.choice((0, 0, 1, 600, 7_200))
        # The clock is often set back; the last messages of all were sent last.
        at = seconds - dice.choice((0, 0, 1_500, 3_599)) if number < 199 else seconds
        storage.database.own_clock._clock = lambda at=at: at
        sends = [(other, dice.choice(("a word", "nothing"))) for other in dice.choices(others, k=2)]
        sends = sends if number < 199 else [(other, "a word") for other in others]
        [*stored], _ = storage.writer.commit([Send("alice", other, body, None) for other, body in sends])
        for (other, body), one in zip(sends, stored, strict=True):
            if body == "a word":
                expected.append((one.sent_at, direct_key("alice", other), one.seq))
    with storage.database.transaction() as connection:
        connection.execute(text("DELETE FROM messages WHERE body = 'nothing' AND seq % 3 = 0"))
    found: list[tuple[int, str, int]] = []
    before = None
    while True:
        page = storage.search.messages("alice", "word", 7, before)
        found += [(m.sent_at, direct_key("alice", other), m.seq) for other, m in page.messages]
        if not page.more:
            break
        before = page.messages[-1].message.sent_at, page.messages[-1].with_user_id, page.messages[-1].message.seq
    assert found == sorted(expected, reverse=True)


def test_a_short_text_is_looked_for_in_the_newest_messages_only(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "UNINDEXED_MESSAGES", 10)
    say(storage, *(("alice", "bob", f"no {n}") for n in range(30)))
    index(storage)
    assert find(storage, "no") == [f"no {n}" for n in reversed(range(20, 30))]
    assert len(find(storage, "no ")) == 30


def test_what_the_index_has_not_got_yet_is_found_however_much_it_is(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "UNINDEXED_MESSAGES", 10)
    say(storage, *(("alice", "bob", f"word {n}") for n in range(30)))
    assert len(find(storage, "word")) == 30


def test_a_step_of_the_index_asks_once_however_many_conversations_have_grown(storage: Storage) -> None:
    if not storage.database.is_sqlite:
        return  # it keeps its index by itself
    say(storage, *(("alice", f"p{n}", "a lone word") for n in range(70)), *([("alice", "p30", "one of many")] * 150))
    asked: list[str] = []
    event.listen(
        storage.database.engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement)
    )
    is_behind, first = storage.search_index.step(), len(asked)
    assert is_behind
    assert first <= 8, asked
    index(storage)
    assert storage.search_index.behind == 0
    assert len(find(storage, "lone word", limit=300)) == 70
    assert len(find(storage, "one of many", limit=300)) == 150, "none is left out where a step ends within its messages"


def test_how_far_the_index_is_behind_is_known_after_a_restart_too(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/chat.db")
    say(storage, *(("alice", "bob", f"word {n}") for n in range(250)))
    storage.close()
    again = open_storage(f"sqlite:///{tmp_path}/chat.db")
    say(again, ("alice", "carol", "one more"))
    assert again.search_index.step()
    assert again.search_index.behind == 151
    index(again)
    assert again.search_index.behind == 0
    again.close()


def test_what_was_not_indexed_when_a_server_stopped_is_indexed_by_the_next(storage: Storage) -> None:
    if storage.database.engine.dialect.name != "sqlite":
        return  # PostgreSQL keeps its index itself
    say(storage, *(("alice", "bob", f"first {n}") for n in range(500)))
    assert storage.search_index.step(), "need more than one step for this to mean anything"
    again = open_storage(str(storage.database.engine.url))
    say(again, ("bob", "alice", "later"))
    index(again)
    with again.database.reading() as connection:
        rows = connection.execute(text("SELECT last_seq, indexed_seq FROM conversations")).all()
        indexed = connection.execute(text("SELECT count(*) FROM trigrams")).scalar()
    assert [tuple(row) for row in rows] == [(501, 501)]
    assert indexed == 501
    assert len(find(again, "first", limit=600)) == 500
    again.close()


def test_the_index_is_asked_for_a_few_trigrams_however_long_the_text_is(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if storage.database.engine.dialect.name != "sqlite":
        return  # PostgreSQL itself takes each trigram of a text once
    monkeypatch.setattr(trigrams, "RARE", 1)
    monkeypatch.setattr(short_conversations, "SHORT", 0)
    say(storage, *(("alice", f"p{n}", ("a" * 150 + "b") * 2) for n in range(3)))
    index(storage)
    asked: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "MATCH" in statement:
            asked.extend(value for value in values if isinstance(value, str))

    event.listen(storage.database.engine, "before_cursor_execute", keep)
    assert find(storage, "a" * 199 + "b") == []
    assert asked == ['"aaa"', '"aab"', *3 * ['("aaa" AND "aab")']]
    asked.clear()
    find(storage, "".join(map(chr, range(0xAC00, 0xAC00 + 200))))
    assert len(asked) == 2 * trigrams.LOOKED_UP + 1, "whole letters, and their parts; none has the rarest one"
    assert {len(one) for one in asked} == {5, len('("..." AND "...") OR ("..." AND "...")')}


def test_short_conversations_are_read_many_at_once_and_no_more_of_them_than_it_takes(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not storage.database.is_sqlite:
        return  # it finds the messages of all conversations by one question
    monkeypatch.setattr(trigrams, "RARE", 1)
    storage.database.own_clock._clock = iter(range(1, 1_000)).__next__
    for n in range(300):
        say(storage, ("alice", f"p{n}", "a common word"), (f"p{n}", "alice", f"ordinal {n} of KELVIN\u212a"))
    index(storage)
    asked: list[str] = []
    event.listen(
        storage.database.engine, "before_cursor_execute", lambda _c, _u, statement, *_: asked.append(statement)
    )
    looked_up: list[str] = []
    as_it_is = look_up.rows_of

    def rows_of(connection: Any, statement: str, values: Any) -> Any:
        looked_up.append(statement)
        return as_it_is(connection, statement, values)

    monkeypatch.setattr(look_up, "rows_of", rows_of)
    assert len(find(storage, "common", limit=20)) == 20
    assert len(looked_up) == 1
    looked_up.clear()
    asked.clear()
    assert find(storage, "wordin") == [], "though its trigrams are everywhere"
    assert (len(looked_up), len(asked)) == (5, 1 + 1 + 4), "300 by 64; the index is asked for trigrams alone"
    assert find(storage, "ordinal 7") == [f"ordinal {n} of KELVIN\u212a" for n in (*range(79, 69, -1), 7)]
    assert len(find(storage, "kelvink", limit=300)) == 300, "the Kelvin sign is a k"


def test_long_messages_of_short_conversations_are_read_one_by_one_and_no_more_than_a_page_takes(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigrams, "RARE", 1)
    storage.database.own_clock._clock = iter(range(1, 1_000)).__next__
    long = "a word, " + "x" * short_conversations.AT_ONCE_LETTERS
    for n in range(40):
        say(storage, ("alice", "bob", f"{long} {n}"))
    index(storage)
    read: list[str] = []
    as_it_is = look_up.rows_of

    def rows_of(connection: Any, statement: str, values: Any) -> Any:
        rows = as_it_is(connection, statement, values)
        read.extend(value for row in rows for value in row if isinstance(value, str) and long in value)
        return rows

    monkeypatch.setattr(look_up, "rows_of", rows_of)
    assert find(storage, "a word", limit=5) == [f"{long} {n}" for n in range(39, 34, -1)]
    assert len(read) == 6, "one beyond the page"


def test_a_long_message_may_be_erased_while_it_is_searched(storage: Storage) -> None:
    long = "a word, " + "x" * short_conversations.AT_ONCE_LETTERS
    say(storage, ("alice", "bob", long), ("alice", "bob", "a word"))
    with storage.database.reading() as connection:
        mine = connection.execute(search._MINE, {"user": "alice", "limit": 10}).all()
        read = short_conversations.ShortConversations(connection, ["word"], mine).of(mine[0], {})
        assert read is not None
        with storage.database.transaction() as other:
            other.execute(text("DELETE FROM messages WHERE seq = 1"))
        # SQLite reads all as it was when the search began.
        left = [long] if storage.database.is_sqlite else [""]
        assert [message.body for message in read] == ["a word", *left]


def test_a_search_ends_at_its_deadline_and_the_next_one_works(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    monkeypatch.setattr(search, "SECONDS", 0.05)
    monkeypatch.setattr(search, "READ_ON_POSTGRES", 0)
    monkeypatch.setattr(search, "READ_FIRST", 0)
    monkeypatch.setattr(search, "_by_index", lambda connection, *_: connection.execute(endless))
    monkeypatch.setattr(search, "Candidates", lambda connection, _: connection.execute(endless))
    say(storage, ("alice", "bob", "a word"))
    storage.database.ask()
    with pytest.raises(Unavailable, match="too long"):
        storage.search_in_thread(storage.search.messages, "alice", "word", 20)
    monkeypatch.undo()
    assert find(storage, "word") == ["a word"]


def test_on_postgresql_one_deadline_holds_for_what_is_read_and_what_the_index_is_asked(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if storage.database.is_sqlite:
        return  # which looks at the clock by itself
    slept: list[float] = []
    left: list[int] = []

    def slow(function: Any) -> Any:
        return lambda *args: (slept.append(3), function(*args))[1]  # each call takes three seconds

    def by_index(connection: Connection, *_: Any) -> list[Found]:
        left.append(connection.execute(text(LEFT)).scalar_one())
        return []

    monkeypatch.setattr(newest_first, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + sum(slept)))
    for n in range(5):
        say(storage, ("alice", "bob", f"order of today, no {n}" + "x" * short_conversations.AT_ONCE_LETTERS))
    with monkeypatch.context() as patched:
        patched.setattr(newest_first, "with_text", slow(newest_first.with_text))
        with pytest.raises(Unavailable, match="too long"):
            find(storage, "order of today, too")  # begins as they do
    assert len(slept) == 2
    slept.clear()
    monkeypatch.setattr(newest_first.NewestFirst, "_read_back", slow(newest_first.NewestFirst._read_back))
    monkeypatch.setattr(search, "_by_index", by_index)
    monkeypatch.setattr(search, "READ_ON_POSTGRES", 0)
    monkeypatch.setattr(search, "READ_FIRST", 1)
    monkeypatch.setattr(newest_first, "AT_LEAST", 1)
    assert find(storage, "order of today, too") == []
    assert len(slept) == 1
    assert 0 < left[0] <= 1_000, "of four seconds"


LEFT = "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"


def test_any_read_ends_at_a_deadline_and_the_log_names_it(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000000) SELECT max(i) FROM n"

    def read() -> None:
        with storage.database.reading() as connection:
            connection.execute(text(long))

    monkeypatch.setattr(database, "READ_SECONDS", 0.05)
    with pytest.raises(Unavailable):
        storage.in_thread(read)
    why = "interrupted" if storage.database.is_sqlite else "canceling statement due to statement timeout"
    assert f"could not be read ({read.__qualname__}): OperationalError: {why}" in caplog.text
    monkeypatch.undo()
    storage.database.ask()


def test_on_postgresql_a_deadline_costs_a_read_no_round_trip_and_outlives_no_transaction(
    postgres: Postgres, tmp_path: Path
) -> None:
    storage = open_storage(postgres.empty_database(make_tables))
    with storage.database.reading() as connection:
        driver: Any = connection.connection.driver_connection
    path = tmp_path / "trace"
    with path.open("w") as trace:
        driver.pgconn.trace(trace.fileno())
        with storage.database.reading(0.5) as connection:
            connection.execute(text("SELECT 1"))
        with storage.database.reading() as connection:
            assert connection.scalar(text("SHOW statement_timeout")) == "3500ms"
        with storage.database.transaction() as writing:
            assert writing.scalar(text("SHOW jit")) == "off", (
                "to compile a look-up takes ten times as long as to run it"
            )
        driver.pgconn.untrace()
    assert path.read_text().count("ReadyForQuery") == 2 * 3, "BEGIN with the deadline, the query, COMMIT"
    assert driver.execute("SHOW statement_timeout").fetchone() == ("0",), "a pooler gives the session to others"
    storage.close()


def test_a_search_in_many_conversations_ends_at_its_deadline_however_quick_each_is(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(storage, ("alice", "bob", "a word"))
    monkeypatch.setattr(search, "SECONDS", 0)
    with pytest.raises(Unavailable, match="too long"):
        find(storage, "wo")


@pytest.mark.alone
@pytest.mark.slow
def test_a_text_in_twenty_thousand_messages_is_found_in_a_blink(storage: Storage) -> None:
    if storage.database.engine.dialect.name != "sqlite":
        return
    for start in range(0, 20_000, 2_000):
        say(storage, *(("alice", f"p{n % 50}", f"the word number {n}") for n in range(start, start + 2_000)))
    index(storage)
    for wanted in ("word", "number 777", "no"):
        start_at = time.perf_counter()
        find(storage, wanted)
        assert time.perf_counter() - start_at < 0.5, wanted


def test_names_are_found_by_their_beginning_whatever_their_case(storage: Storage) -> None:
    say(storage, ("Anna", "an_na", "hi"), ("ANDY", "bert", "hi"), ("Ännchen", "한나", "hi"))
    assert storage.search.names("an", 10) == ["an_na", "ANDY", "Anna"]
    assert storage.search.names("AN_", 10) == ["an_na"]
    assert storage.search.names("ä", 10) == ["Ännchen"]
    assert storage.search.names("한", 10) == ["한나"]
    assert len(storage.search.names("a", 2)) == 2
    for nothing in ("", "%", "\0", "z"):
        assert storage.search.names(nothing, 10) == []


def test_a_search_ends_where_a_list_names_a_conversation_twice(kept: Any) -> None:
    storage, written = kept
    say(storage, *(("alice", name, f"hello {name}") for name in ("bob", "carol", "dan")))
    written(storage)
    with storage.database.transaction() as connection:
        twice = "INSERT INTO listings SELECT user_id, 1, conversation_id FROM listings WHERE user_id = 'alice'"
        connection.execute(text(twice))
    assert sorted(find(storage, "hello")) == ["hello bob", "hello carol", "hello dan"]

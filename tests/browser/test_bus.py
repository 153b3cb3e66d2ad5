"""The workers lose each other while somebody reads: nothing is missed, and nothing is shown twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Called, OpenPage, is_online, texts, write
from tests.clients import Person
from tests.conftest import Server, StartServer
from tests.redis import Redis


@pytest.fixture(scope="module")
def server(_start: StartServer, database: str, redis: Redis) -> Iterator[Server]:
    """The worker of the page."""
    running = _start(CHAT_DATABASE_URL=database, CHAT_BUS_URL=redis.url)
    yield running
    running.end()


@pytest.fixture
def there(start_server: StartServer, database: str, redis: Redis, server: Server) -> Server:
    """The others' worker."""
    return start_server(CHAT_DATABASE_URL=database, CHAT_BUS_URL=redis.url)


def test_what_was_written_while_the_bus_was_lost_is_shown_once(
    open_page: OpenPage, called: Called, server: Server, there: Server, redis: Redis
) -> None:
    alice, bob, carol = called("alice"), called("bob"), called("carol")
    with Person(there.ws, bob) as other, Person(there.ws, carol) as third:
        page = open_page("alice", to="bob")
        is_online(page)
        write(page, "before")
        assert other.receive("chat")["message"] == "before"
        redis.kill()
        server.wait_for("the bus is lost")
        other.ask(type="chat", toUserId=alice, message="meanwhile")
        third.ask(type="chat", toUserId=alice, message="from a third one")
        write(page, "at the same time")
        redis.start()
        expect(texts(page)).to_have_text(["before", "meanwhile", "at the same time"])
        row = page.locator("conversation-list li").filter(has_text=carol)
        expect(row.locator(".badge")).to_have_text("11 unread")  # to see, and to hear
        assert other.receive("chat")["message"] == "at the same time"
        other.ask(type="chat", toUserId=alice, message="after")
        expect(texts(page)).to_have_text(["before", "meanwhile", "at the same time", "after"])

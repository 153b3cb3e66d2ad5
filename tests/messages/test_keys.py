"""The server's own key of a name travels with it, so that no client has to make one."""

from __future__ import annotations

from tests.clients import Person
from tests.conftest import Server


def test_every_event_that_names_a_user_tells_the_key_where_it_is_not_the_name(server: Server) -> None:
    with Person(server.ws, "Ayla") as ayla, Person(server.ws, "kız") as kiz, Person(server.ws, "KIZ") as other:
        assert [each.ready.get("keys") for each in (ayla, kiz, other)] == [{"Ayla": "ayla"}, None, {"KIZ": "kiz"}]
        ayla.send(type="chat", toUserId="kız", message="only for you")
        assert kiz.receive("chat")["keys"] == {"Ayla": "ayla"}
        assert other.hears_nothing()
        ayla.send(type="chat", toUserId="kiz", message="for you")
        assert other.receive("chat")["keys"] == {"Ayla": "ayla", "KIZ": "kiz"}
        other.send(type="typing", toUserId="ayla")
        assert ayla.receive("typing")["keys"] == {"Ayla": "ayla", "KIZ": "kiz"}
        kiz.send(type="typing", toUserId="AYLA")
        assert "kız" not in ayla.receive("typing")["keys"]
        other.send(type="read", withUserId="ayla", seq=1)
        assert ayla.receive("receipt")["keys"] == {"Ayla": "ayla", "KIZ": "kiz"}
    with Person(server.ws, "ayla") as ayla:
        assert ayla.ready["keys"] == {"Ayla": "ayla", "KIZ": "kiz"}
        ayla.ask(type="chat", toUserId="Zed", message="nobody is there yet")
        with Person(server.ws, "zed"):
            while (presence := ayla.receive("presence"))["status"] != "online":
                pass
        assert (presence["userId"], presence["keys"]) == ("Zed", {"Zed": "zed"})
        with Person(server.ws, "ayla") as second:
            ayla.ask(type="block", userId="kIz")
            assert second.receive("blocking")["keys"] == {"KIZ": "kiz"}
    with Person(server.ws, "kiz") as other:  # what was sent while it was away
        assert other.ready["keys"] == {"Ayla": "ayla", "KIZ": "kiz"}

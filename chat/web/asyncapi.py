"""Owns the AsyncAPI 3.0 document of the socket. It is made of the structs of the events of both directions alone."""

import re
from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from chat.protocol import changes, notices, structs
from chat.protocol.structs import Ack, ChatAck, Failure, Payload, Pong, Ready, ServerEvent
from chat.web.schemas import Json, schemas_of, wire_names

PATH = "/ws"
ABOUT = (
    "Each text message is one event, a JSON object whose `type` names it. A field that has nothing to say is left out, and "
    "is never null. An event with a `ref` is answered by one `ack` or one `error` of the same `ref`. Pass over events and "
    "fields that you do not know. docs/protocol.md tells what each means, and the close codes."
)
# Of others: Ack. Of all: Failure.
ANSWERS = MappingProxyType({"init": (Ready, Ack), "chat": (ChatAck,), "ping": (Pong, Ack)})


@lru_cache(maxsize=8)  # a chat's events do not change; nearly every process has one chat
def document(payloads: Sequence[tuple[str, type[Payload]]]) -> Json:
    """Return the document of what clients send, as these structs, and of all that the server sends."""
    sent = {f"Send{_capitals(name)}": (name, struct) for name, struct in payloads}
    named = vars(structs) | vars(changes) | vars(notices)
    told = {struct.__name__: struct for struct in named.values() if _is_server_event(struct)}
    schemas: Json = {}
    for title, struct in [*((title, struct) for title, (_, struct) in sent.items()), *told.items()]:
        _, components = schemas_of([struct], takes_null=False)
        schemas |= {title: components.pop(struct.__name__) | {"title": title}} | components
    for title, (_, struct) in sent.items():
        if (declared := struct.__bases__[0]) is not Payload:
            schemas[title]["description"] = wire_names(declared.__doc__ or "")
    messages = {title: _message(str(told[title].__struct_config__.tag), title) for title in told}
    messages |= {title: _message(name, title) for title, (name, _) in sent.items()}
    operations: Json = {"hear": {"action": "send", "channel": _ref("channels/socket"), "messages": _messages(told)}}
    for title, (name, _) in sent.items():
        answers = [kind.__name__ for kind in (*ANSWERS.get(name, (Ack,)), Failure)]
        operations[f"{title[0].lower()}{title[1:]}"] = {
            "action": "receive",
            "channel": _ref("channels/socket"),
            "messages": _messages([title]),
            "reply": {"channel": _ref("channels/socket"), "messages": _messages(answers)},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Chat", "version": str(structs.PROTOCOL_VERSION), "description": ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "socket": {"address": PATH, "messages": {title: _ref(f"components/messages/{title}") for title in messages}}
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def server_of(host: str, is_secure: bool, prefix: str) -> Json:
    """Return where the document's channel is found."""
    return {"chat": {"host": host, "pathname": prefix or "/", "protocol": "wss" if is_secure else "ws"}}


def _capitals(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", name))


def _is_server_event(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, ServerEvent) and kind is not ServerEvent


def _message(name: str, title: str) -> Json:
    return {"name": name, "title": title, "payload": _ref(f"components/schemas/{title}")}


def _messages(titles: Sequence[str] | Json) -> list[Json]:
    return [_ref(f"channels/socket/messages/{title}") for title in titles]


def _ref(place: str) -> Json:
    return {"$ref": f"#/{place}"}

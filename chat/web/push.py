"""Owns the operations of services on notifications: push one or a batch, and follow a batch."""

import hashlib
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, UnsetType

from chat.errors import Conflicting, InvalidField, MissingField, NotFound
from chat.limits import PUSH_BYTES
from chat.notifications.draft import MOST_USERS, Draft
from chat.people.directory import unknown_user
from chat.people.tokens import NOTIFY_SCOPE
from chat.protocol.names import Names, UserId
from chat.protocol.structs import encode
from chat.server import ChatServer
from chat.storage.notifications import Once
from chat.web.operations import Operation
from chat.web.shapes import Answer, Name, Request, Seq


class NewNotification(Draft, kw_only=True):
    """What to say, and whom: exactly one of `toUserId`, `toUserIds` and `everyone`."""

    to_user_id: Name | None = None
    to_user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MOST_USERS)] | None = None
    everyone: Annotated[bool, Meta(description="Whoever is known here or online.")] = False
    exactly_one: ClassVar = ("toUserId", "toUserIds", "everyone")

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (self.to_user_id is not None, self.to_user_ids is not None, self.everyone)
        if not any(given):
            raise MissingField(field="toUserId", rule="one_of_needed", fields=[*self.exactly_one])
        if sum(given) > 1:
            field = "everyone" if self.everyone else "toUserIds"
            raise InvalidField(field=field, rule="only_one_of", fields=[*self.exactly_one])

    def check_names(self, names: Names) -> None:
        if self.to_user_id is not None:
            self.to_user_id = names.checked(self.to_user_id, "toUserId")


Key = Annotated[str, Meta(pattern="^[!-~]{1,200}$", description="Your own mark for this request; known for a day.")]


class PushHeaders(Request, rename={"idempotency_key": "Idempotency-Key"}):
    """By what a repeated request is known."""

    idempotency_key: Key | UnsetType = UNSET


class Pushed(Answer):
    """A notification, or with `toUserIds` or `everyone` a batch of them, is stored.

    `sockets`: how many sockets and streams took it just now. `repeated`: it had been there already.
    """

    notification_id: int | UnsetType = UNSET
    id: Annotated[int, Meta(description="The same, as it was called first.")] | UnsetType = UNSET
    batch_id: int | UnsetType = UNSET
    sockets: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    repeated: bool | UnsetType = UNSET


@Operation(
    "POST",
    "/notifications",
    "Say something to one user, to many, or to everyone; for services with the scope notify.",
    scope=NOTIFY_SCOPE,
    body_example='{"toUserId": "bob", "message": "The build is green", "link": "/builds/7", "level": "success"}',
    body_bytes=PUSH_BYTES,
    example='{"notificationId": 7, "id": 7, "sockets": 2}',
    status=201,
    errors=(unknown_user("bob", "toUserId"), Conflicting(field="Idempotency-Key", rule="key_used")),
)
def push_notification(chat: ChatServer, service: str, headers: PushHeaders, body: NewNotification) -> Pushed:
    key = headers.idempotency_key
    once = None if key is UNSET else Once(service, key, hashlib.sha256(encode(body)).hexdigest())
    if body.to_user_id is not None:
        result = chat.notifier.push(body.to_user_id, body, once)
        if not result.repeated:
            chat.log.info("push service=%r user=%r id=%d", service, body.to_user_id, result.id)
    else:
        result = chat.batches.push(service, body.to_user_ids, body, once)
        if not result.repeated:
            chat.log.info("batch %d of service=%r", result.batch_id, service)
    return Pushed(
        notification_id=UNSET if result.id is None else result.id,
        id=UNSET if result.id is None else result.id,
        batch_id=UNSET if result.batch_id is None else result.batch_id,
        sockets=UNSET if result.id is None else result.sockets,  # of a batch nobody knows it yet
        repeated=result.repeated or UNSET,
    )


class OfBatch(Request):
    """Which batch."""

    batch_id: Annotated[Seq, Meta(description="As it was answered.")]


class BatchProgress(Answer):
    """How far a batch has got: `sent` of `total` users have theirs, and so many sockets took it."""

    batch_id: int
    total: Annotated[int, Meta(ge=0)]
    sent: Annotated[int, Meta(ge=0)]
    sockets: Annotated[int, Meta(ge=0)]
    finished: bool


@Operation(
    "GET",
    "/notifications/batches/<batchId>",
    "How far a batch has got; for the service that asked for it.",
    scope=NOTIFY_SCOPE,
    example='{"batchId": 3, "total": 10000, "sent": 2500, "sockets": 612, "finished": false}',
    errors=(NotFound(field="batchId", rule="batch"),),
)
def show_batch(chat: ChatServer, service: str, path: OfBatch) -> BatchProgress:
    batch = chat.batches.progress(service, path.batch_id)
    return BatchProgress(
        batch_id=batch.id, total=batch.total, sent=batch.sent, sockets=batch.reached, finished=batch.finished
    )

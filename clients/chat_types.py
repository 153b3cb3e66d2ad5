"""Made of /api/openapi.json and /api/asyncapi.json by `make clients`; do not edit."""

from typing import Any, Literal, NotRequired, TypedDict


class Fault(TypedDict):
    """Why a request failed."""

    code: str
    message: str
    field: str | None
    rule: NotRequired[str]
    params: NotRequired[dict[str, int | str | list[str]]]


class NewAccount(TypedDict):
    """A name, and the password that it is to have."""

    userId: str
    password: str


class NewSession(TypedDict):
    """Who wants to sign in. A name that has no password needs none, unless everybody does."""

    userId: str
    password: NotRequired[str | None]


class NewPassword(TypedDict):
    """One's password, and what it is to be."""

    oldPassword: str
    newPassword: str


class ReadUpTo(TypedDict):
    """How far somebody has read."""

    seq: int


class NewSettings(TypedDict):
    """All that one sets for a conversation."""

    muted: bool
    markedUnread: bool
    hiddenSeq: int


class NewMessage(TypedDict):
    """A message. With the same `clientId` it may be sent any number of times, and is one."""

    message: str
    clientId: NotRequired[str | None]
    kind: NotRequired[str | None]


class NewNotification(TypedDict):
    """What to say, and whom: exactly one of `toUserId`, `toUserIds` and `everyone`."""

    message: str
    title: NotRequired[str | None]
    link: NotRequired[str | None]
    level: NotRequired[Literal['error'] | Literal['info'] | Literal['success'] | Literal['warning']]
    expiresIn: NotRequired[int | None]
    toUserId: NotRequired[str | None]
    toUserIds: NotRequired[list[str] | None]
    everyone: NotRequired[bool]


class UpTo(TypedDict):
    """Which notifications were seen or dismissed."""

    upTo: int


class NewProfile(TypedDict):
    """How a user is shown. What is left out is taken away: the user is shown by the id, or by a letter."""

    displayName: NotRequired[str | None]
    avatarUrl: NotRequired[str | None]
    subtitle: NotRequired[str | None]


class NamedProfile(TypedDict):
    """A user, and how they are shown."""

    displayName: NotRequired[str | None]
    avatarUrl: NotRequired[str | None]
    subtitle: NotRequired[str | None]
    userId: str


class WantedProfiles(TypedDict):
    """Whose profiles."""

    userIds: list[str]


class OwnWords(TypedDict):
    """What one is called. What is left out is taken away; the picture stays."""

    displayName: NotRequired[str | None]
    subtitle: NotRequired[str | None]


class NewPicture(TypedDict):
    """A picture: JPEG, PNG, WebP or GIF, of at most 2,048 pixels a side. It is cut to a square, and encoded anew."""

    image: str


class Session(TypedDict):
    """A token that proves to be the user, until it expires."""

    userId: str
    token: str
    expiresAt: str
    hasPassword: bool
    expiresIn: NotRequired[int]


class OpenSession(TypedDict):
    """A session that somebody signed in to here, and that counts. `current`: of the token that asks."""

    sessionId: str
    createdAt: str
    expiresAt: str
    current: NotRequired[bool]


class Profile(TypedDict):
    """How a user is shown. What is left out: the id, the first letter of the name, and nothing."""

    displayName: NotRequired[str]
    avatarUrl: NotRequired[str]
    subtitle: NotRequired[str]


class Member(TypedDict):
    """How far somebody has received and read a conversation, each a `seq`."""

    userId: str
    received: int
    read: int


class StoredMessage(TypedDict):
    """A message, as it is stored."""

    seq: int
    fromUserId: str
    toUserId: str
    message: str
    timestamp: str
    conversationId: str
    id: str
    clientId: NotRequired[str]
    kind: NotRequired[str]
    erased: NotRequired[bool]


class ConversationSettings(TypedDict):
    """What one user has set for a conversation. The other one is not told."""

    withUserId: str
    muted: NotRequired[bool]
    markedUnread: NotRequired[bool]
    hiddenSeq: NotRequired[int]


class SentMessage(TypedDict):
    """It is stored. `repeated`: it had been before."""

    seq: int
    timestamp: str
    delivered: bool
    conversationId: str
    id: str
    repeated: NotRequired[bool]


class MessageChange(TypedDict):
    """What changed the messages from `firstSeq` to `lastSeq`."""

    change: int
    kind: Literal['erased']
    firstSeq: int
    lastSeq: int


class Pushed(TypedDict):
    """A notification, or with `toUserIds` or `everyone` a batch of them, is stored.

    `sockets`: how many sockets and streams took it just now. `repeated`: it had been there already."""

    notificationId: NotRequired[int]
    id: NotRequired[int]
    batchId: NotRequired[int]
    sockets: NotRequired[int]
    repeated: NotRequired[bool]


class BatchProgress(TypedDict):
    """How far a batch has got: `sent` of `total` users have theirs, and so many sockets took it."""

    batchId: int
    total: int
    sent: int
    sockets: int
    finished: bool


class StoredNotification(TypedDict):
    """A notification, as it is stored."""

    notificationId: int
    id: int
    message: str
    level: Literal['error'] | Literal['info'] | Literal['success'] | Literal['warning']
    timestamp: str
    seen: bool
    title: NotRequired[str]
    link: NotRequired[str]
    expiresAt: NotRequired[str]
    expires: NotRequired[str]


class NotificationChange(TypedDict):
    """What became of a notification: each counts once, with its last change."""

    change: int
    notificationId: int
    seen: bool
    dismissed: bool


class FoundMessage(TypedDict):
    """A message that holds the text, and whom it was exchanged with."""

    seq: int
    fromUserId: str
    toUserId: str
    message: str
    timestamp: str
    conversationId: str
    id: str
    clientId: NotRequired[str]
    kind: NotRequired[str]
    erased: NotRequired[bool]
    withUserId: str


class User(TypedDict):
    """Somebody to write to."""

    userId: str
    presence: NotRequired[Literal['away'] | Literal['offline'] | Literal['online']]


class BlockedUser(TypedDict):
    """Somebody whom one has blocked."""

    userId: str
    since: str


class StoredProfiles(TypedDict):
    """All of them are stored."""

    changed: int


class Health(TypedDict):
    """The server takes requests, and its database can be read and written."""

    status: str


class ToldLimits(TypedDict):
    """What a client has to keep to. Of what is counted by the time, 0 means: no limit."""

    frameBytes: int
    fragments: int
    outboxBytes: int
    initSeconds: float
    userIdChars: int
    clientIdChars: int
    refChars: int
    tokenChars: int
    passwordMinChars: int
    passwordChars: int
    burstSeconds: int
    eventsPerSecond: int
    framesPerSecond: int
    bytesPerSecond: int
    messagesPerMinute: int
    initsPerMinute: int
    storedBytesPerMinute: int
    storedBytesPerDay: int
    strangersBytesPerSecond: int
    newNamesPerMinute: int
    socketsPerUser: int
    socketsPerAddress: int
    upgradesPerMinute: int
    requestsPerMinute: int
    blocks: int
    blockChangesPerMinute: int
    bodyBytes: int
    searchChars: int
    pageItems: int
    pageMessages: int
    pageBytes: int
    unreadCounted: int
    readyConversations: int
    readyNotifications: int
    notificationChars: int
    notificationTitleChars: int
    notificationLinkChars: int
    notificationSeconds: int
    notificationUsers: int
    pushBytes: int


class Notification(TypedDict):
    """Something that a program wants somebody to know."""

    type: Literal['notification']
    notificationId: int
    id: int
    message: str
    level: Literal['error'] | Literal['info'] | Literal['success'] | Literal['warning']
    timestamp: str
    title: NotRequired[str]
    link: NotRequired[str]
    expiresAt: NotRequired[str]
    expires: NotRequired[str]
    seen: NotRequired[bool]


class Seen(TypedDict):
    """This notification was seen on one of your other screens, or all `upTo` this one."""

    type: Literal['seen']
    notificationId: int
    change: int
    upTo: NotRequired[int]


class Dismissed(TypedDict):
    """One of your other screens has done with this notification, or with all `upTo` this one."""

    type: Literal['dismissed']
    notificationId: int
    change: int
    upTo: NotRequired[int]


class SendInit(TypedDict):
    """I am `userId`, as `token` proves. With `sync` I fetch what I missed, and say what I received.

    `v` and `features` say what the client knows. Other fields may be a later version's, so they are passed over.
    """

    type: Literal['init']
    userId: str
    v: NotRequired[int]
    features: NotRequired[list[str]]
    sync: NotRequired[bool]
    token: NotRequired[str]
    ref: NotRequired[int | str]


class SendChat(TypedDict):
    """A message to another user. `fromUserId`, where given, must be the sender's own name."""

    type: Literal['chat']
    message: str
    toUserId: NotRequired[str]
    conversationId: NotRequired[str]
    fromUserId: NotRequired[str]
    clientId: NotRequired[str]
    kind: NotRequired[str]
    ref: NotRequired[int | str]


class SendReceived(TypedDict):
    """What `withUserId` and I wrote has arrived here, up to `seq`."""

    type: Literal['received']
    seq: int
    withUserId: NotRequired[str]
    conversationId: NotRequired[str]
    ref: NotRequired[int | str]


class SendRead(TypedDict):
    """What `withUserId` and I wrote was seen here, up to `seq`."""

    type: Literal['read']
    seq: int
    withUserId: NotRequired[str]
    conversationId: NotRequired[str]
    ref: NotRequired[int | str]


class SendTyping(TypedDict):
    """I am writing to `toUserId` just now."""

    type: Literal['typing']
    toUserId: NotRequired[str]
    conversationId: NotRequired[str]
    ref: NotRequired[int | str]


class SendBlock(TypedDict):
    """Let nothing pass between `userId` and me; or, with `unblock`, let it pass again."""

    type: Literal['block']
    userId: str
    ref: NotRequired[int | str]


class SendUnblock(TypedDict):
    """Let nothing pass between `userId` and me; or, with `unblock`, let it pass again."""

    type: Literal['unblock']
    userId: str
    ref: NotRequired[int | str]


class SendDismiss(TypedDict):
    """Take this notification off all my screens; or all `upTo` this one."""

    type: Literal['dismiss']
    notificationId: NotRequired[int]
    upTo: NotRequired[int]
    ref: NotRequired[int | str]


class SendSeen(TypedDict):
    """I have seen this notification; or all `upTo` this one."""

    type: Literal['seen']
    notificationId: NotRequired[int]
    upTo: NotRequired[int]
    ref: NotRequired[int | str]


class SendAway(TypedDict):
    type: Literal['away']
    ref: NotRequired[int | str]


class SendBack(TypedDict):
    type: Literal['back']
    ref: NotRequired[int | str]


class SendPing(TypedDict):
    type: Literal['ping']
    ref: NotRequired[int | str]


class ChatMessage(TypedDict):
    """A message on its way to the receiver's sockets and the sender's other ones."""

    type: Literal['chat']
    fromUserId: str
    toUserId: str
    message: str
    timestamp: str
    seq: int
    conversationId: str
    id: str
    clientId: NotRequired[str]
    kind: NotRequired[str]
    keys: NotRequired[dict[str, str]]


class Ack(TypedDict):
    """The answer to an event with a `ref`: it was done."""

    type: Literal['ack']
    ref: int | str


class ChatAck(TypedDict):
    """The answer to a `chat` with a `ref`: it is stored, as `seq` of its conversation."""

    type: Literal['ack']
    ref: int | str
    seq: int
    timestamp: str
    delivered: bool
    conversationId: str
    id: str
    repeated: NotRequired[bool]


class TypingHint(TypedDict):
    """`fromUserId` is writing to you."""

    type: Literal['typing']
    fromUserId: str
    conversationId: str
    keys: NotRequired[dict[str, str]]


class Pong(TypedDict):
    """The answer to `ping`."""

    type: Literal['pong']
    timestamp: str


class Failure(TypedDict):
    """The answer to an event that failed."""

    type: Literal['error']
    code: str
    message: str
    field: NotRequired[str]
    rule: NotRequired[str]
    params: NotRequired[dict[str, int | str | list[str]]]
    ref: NotRequired[int | str]
    retryAfter: NotRequired[int]


class PresenceChange(TypedDict):
    """`userId` is online, away or offline now."""

    type: Literal['presence']
    userId: str
    status: Literal['away'] | Literal['offline'] | Literal['online']
    lastSeen: NotRequired[str]
    keys: NotRequired[dict[str, str]]


class BlockChange(TypedDict):
    """You have blocked `userId`, or no longer do, on another of your screens."""

    type: Literal['blocking']
    userId: str
    blocked: bool
    keys: NotRequired[dict[str, str]]


class Restart(TypedDict):
    """The server stops, and closes with 1012: come back after `retryAfter` seconds."""

    type: Literal['restart']
    retryAfter: float


class Failed(TypedDict):
    """What every failed request is answered with."""

    error: Fault


class NewProfiles(TypedDict):
    """Users, and how they are shown."""

    users: list[NamedProfile]


class OpenSessions(TypedDict):
    """One's sessions, the newest first; at most 100. Those of a host application's tokens are not among them."""

    sessions: list[OpenSession]


class NamedUser(TypedDict):
    """How a user's name is spelt, whichever spelling was asked for."""

    userId: str
    keys: NotRequired[dict[str, str]]
    profiles: NotRequired[dict[str, Profile]]


class ShownProfiles(TypedDict):
    """How these users are shown. Whom nothing is known of is left out; what the site still has to say comes as events."""

    profiles: dict[str, Profile]
    keys: NotRequired[dict[str, str]]


class OwnProfile(TypedDict):
    """How one is shown oneself, and what one may change of it."""

    profile: Profile
    editable: bool
    pictures: bool


class ProfileChange(TypedDict):
    """`userId`, a partner of yours or somebody whom you asked for, is shown so from now on."""

    type: Literal['profile']
    userId: str
    profile: Profile
    keys: NotRequired[dict[str, str]]


class Standing(TypedDict):
    """How far a conversation has got, and how far its users: `seq`s, 0 for nothing. `presence` is the other user's."""

    withUserId: str
    lastSeq: int
    received: int
    read: int
    theirReceived: int
    theirRead: int
    unread: int
    presence: Literal['away'] | Literal['offline'] | Literal['online']
    conversationId: str
    members: list[Member]
    lastSeen: NotRequired[str]
    change: NotRequired[int]
    firstSeq: NotRequired[int]


class Receipt(TypedDict):
    """`userId` has received and read the conversation with `withUserId` up to these `seq`s."""

    type: Literal['receipt']
    userId: str
    withUserId: str
    received: int
    read: int
    conversationId: str
    members: list[Member]
    keys: NotRequired[dict[str, str]]


class History(TypedDict):
    """Messages in the order of `seq`; none of an unknown conversation, whose `lastSeq` is 0."""

    messages: list[StoredMessage]
    lastSeq: int
    more: bool
    epoch: str
    firstSeq: NotRequired[int]


class Conversation(TypedDict):
    """A conversation, as one of its two users sees it. The four pointers are seqs; 0: none yet."""

    withUserId: str
    lastSeq: int
    received: int
    read: int
    theirReceived: int
    theirRead: int
    unread: int
    presence: Literal['away'] | Literal['offline'] | Literal['online']
    conversationId: str
    members: list[Member]
    lastSeen: NotRequired[str]
    lastMessage: StoredMessage
    change: NotRequired[int]
    firstSeq: NotRequired[int]
    keys: NotRequired[dict[str, str]]
    settings: NotRequired[ConversationSettings]


class SettingsChange(TypedDict):
    """You have set something for a conversation, on any of your screens."""

    type: Literal['settings']
    settings: ConversationSettings
    keys: NotRequired[dict[str, str]]


class MessageChanges(TypedDict):
    """Changes in the order of their numbers."""

    changes: list[MessageChange]
    change: int
    more: bool
    epoch: str


class Notifications(TypedDict):
    """One's notifications, the unseen first, then the newest."""

    notifications: list[StoredNotification]
    unseen: int
    next: str | None
    epoch: str


class Changed(TypedDict):
    """What was seen or dismissed, the oldest change first."""

    changes: list[NotificationChange]
    change: int
    more: bool
    incomplete: bool
    epoch: str


class FoundMessages(TypedDict):
    """What was found, the newest first."""

    messages: list[FoundMessage]
    next: str | None
    epoch: str
    keys: NotRequired[dict[str, str]]
    profiles: NotRequired[dict[str, Profile]]


class Users(TypedDict):
    """Those first whom one shares a conversation with, the newest first; then others by the alphabet."""

    users: list[User]
    keys: NotRequired[dict[str, str]]
    profiles: NotRequired[dict[str, Profile]]


class BlockedUsers(TypedDict):
    """All whom one has blocked, in the order of the alphabet."""

    blocked: list[BlockedUser]
    keys: NotRequired[dict[str, str]]


class Ready(TypedDict):
    """The answer to `init`. `features` names what the server has beyond version `v` of the protocol."""

    type: Literal['ready']
    v: int
    features: list[str]
    server: str
    epoch: str
    timestamp: str
    userId: str
    heartbeat: float
    limits: ToldLimits
    conversations: list[Standing]
    more: NotRequired[bool]
    unseen: NotRequired[int]
    notificationChange: NotRequired[int]
    expiresAt: NotRequired[str]
    blocked: NotRequired[list[str]]
    settings: NotRequired[list[ConversationSettings]]
    profiles: NotRequired[dict[str, Profile]]
    keys: NotRequired[dict[str, str]]


class Conversations(TypedDict):
    """One's conversations, that with the newest message first."""

    conversations: list[Conversation]
    next: str | None
    epoch: str
    keys: NotRequired[dict[str, str]]
    profiles: NotRequired[dict[str, Profile]]


ClientEvent = SendInit | SendChat | SendReceived | SendRead | SendTyping | SendBlock | SendUnblock | SendDismiss | SendSeen | SendAway | SendBack | SendPing
ServerEvent = Ready | ChatMessage | Ack | ChatAck | TypingHint | Pong | Failure | Receipt | PresenceChange | BlockChange | SettingsChange | ProfileChange | Restart | Notification | Dismissed | Seen

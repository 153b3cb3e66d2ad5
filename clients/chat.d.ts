// Made of /api/openapi.json and /api/asyncapi.json by `make clients`; do not edit.

/** What a client sends over the socket. */
export type ClientEvent = SendInit | SendChat | SendReceived | SendRead | SendTyping | SendBlock | SendUnblock | SendDismiss | SendSeen | SendAway | SendBack | SendPing;

/** What the server sends over the socket. Pass over a `type` that you do not know. */
export type ServerEvent = Ready | ChatMessage | Ack | ChatAck | TypingHint | Pong | Failure | Receipt | PresenceChange | BlockChange | SettingsChange | ProfileChange | Restart | Notification | Dismissed | Seen;

/** What every failed request is answered with. */
export type Failed = {
  error: Fault;
};

/** Why a request failed. */
export type Fault = {
  /** For programs. */
  code: string;
  /** One English sentence, for people. */
  message: string;
  /** The field or parameter at fault, if one is. */
  field: string | null;
  /** Which rule is broken, where the code does not say it all. */
  rule?: string;
  /** What the rule's sentence names. */
  params?: {[name: string]: number | string | string[]};
};

/** A name, and the password that it is to have. */
export type NewAccount = {
  /** A user's name. */
  userId: string;
  /** A password: not one of the commonest, no single letter repeated, not the name itself. */
  password: string;
};

/** Who wants to sign in. A name that has no password needs none, unless everybody does. */
export type NewSession = {
  /** A user's name. */
  userId: string;
  /** A password. */
  password?: string | null;
};

/** One's password, and what it is to be. */
export type NewPassword = {
  /** A password. */
  oldPassword: string;
  /** A password: not one of the commonest, no single letter repeated, not the name itself. */
  newPassword: string;
};

/** How far somebody has read. */
export type ReadUpTo = {
  /** Of the last message that was seen; it is `received` too. */
  seq: number;
};

/** All that one sets for a conversation. */
export type NewSettings = {
  /** No sound, no notice and no count for what comes. */
  muted: boolean;
  /** Shown as unread until it is opened. */
  markedUnread: boolean;
  /** Not in the list while its last message is not beyond this. 0: shown. */
  hiddenSeq: number;
};

/** A message. With the same `clientId` it may be sent any number of times, and is one. */
export type NewMessage = {
  /** Plain text. */
  message: string;
  /** Your own mark for it. */
  clientId?: string | null;
  /** What it is besides a text. */
  kind?: string | null;
};

/** What to say, and whom: exactly one of `toUserId`, `toUserIds` and `everyone`. */
export type NewNotification = {
  /** Plain text. */
  message: string;
  title?: string | null;
  /** http, https, or a path on this site. */
  link?: string | null;
  /** Left out: "info". */
  level?: "error" | "info" | "success" | "warning";
  /** Seconds until it is shown no more. */
  expiresIn?: number | null;
  /** A user's name. */
  toUserId?: string | null;
  toUserIds?: string[] | null;
  /** Whoever is known here or online. Left out: false. */
  everyone?: boolean;
} & ({toUserId: string; toUserIds?: null; everyone?: false} | {toUserId?: null; toUserIds: unknown[]; everyone?: false} | {toUserId?: null; toUserIds?: null; everyone: true});

/** Which notifications were seen or dismissed. */
export type UpTo = {
  /** All of one's own up to this one. */
  upTo: number;
};

/** How a user is shown. What is left out is taken away: the user is shown by the id, or by a letter. */
export type NewProfile = {
  /** What is shown in the place of the id. */
  displayName?: string | null;
  /** `https:`, or a path on this site that begins with one `/`. */
  avatarUrl?: string | null;
  /** A line below it. */
  subtitle?: string | null;
};

/** Users, and how they are shown. */
export type NewProfiles = {
  users: NamedProfile[];
};

/** A user, and how they are shown. */
export type NamedProfile = {
  /** What is shown in the place of the id. */
  displayName?: string | null;
  /** `https:`, or a path on this site that begins with one `/`. */
  avatarUrl?: string | null;
  /** A line below it. */
  subtitle?: string | null;
  /** A user's name. */
  userId: string;
};

/** Whose profiles. */
export type WantedProfiles = {
  userIds: string[];
};

/** What one is called. What is left out is taken away; the picture stays. */
export type OwnWords = {
  /** What is shown in the place of the id. */
  displayName?: string | null;
  /** A line below it. */
  subtitle?: string | null;
};

/** A picture: JPEG, PNG, WebP or GIF, of at most 2,048 pixels a side. It is cut to a square, and encoded anew. */
export type NewPicture = {
  /** Of at most 262,144 bytes, in base64. */
  image: string;
};

/** A token that proves to be the user, until it expires. */
export type Session = {
  /** A user's name. */
  userId: string;
  /** For `Authorization: Bearer`. */
  token: string;
  /** ISO 8601, UTC, milliseconds. */
  expiresAt: string;
  /** Whether the name is protected by one. */
  hasPassword: boolean;
  /** Seconds until then. Only where the site says who is there. */
  expiresIn?: number;
};

/** One's sessions, the newest first; at most 100. Those of a host application's tokens are not among them. */
export type OpenSessions = {
  sessions: OpenSession[];
};

/** A session that somebody signed in to here, and that counts. `current`: of the token that asks. */
export type OpenSession = {
  /** The `jti` of its token. */
  sessionId: string;
  /** ISO 8601, UTC, milliseconds. */
  createdAt: string;
  /** ISO 8601, UTC, milliseconds. */
  expiresAt: string;
  current?: boolean;
};

/** One's conversations, that with the newest message first. */
export type Conversations = {
  conversations: Conversation[];
  /** `cursor` for the page after; null: there is none. */
  next: string | null;
  /** As in `ready`: another one says that what was read before counts no more. */
  epoch: string;
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
  /** How those users here are shown of whom something is known. */
  profiles?: {[name: string]: Profile};
};

/** A conversation, as one of its two users sees it. The four pointers are seqs; 0: none yet. */
export type Conversation = {
  /** A user's name. */
  withUserId: string;
  lastSeq: number;
  received: number;
  read: number;
  theirReceived: number;
  theirRead: number;
  /** Messages of the other user beyond `read`; counted to 1,000. */
  unread: number;
  /** How the other user is. */
  presence: "away" | "offline" | "online";
  /** The conversation's own, for ever. */
  conversationId: string;
  /** The others, and how far each has got. */
  members: Member[];
  /** Since when they are offline, where that is known. */
  lastSeen?: string;
  lastMessage: StoredMessage;
  /** The last change; left out: there was none. */
  change?: number;
  /** What lies before it was erased; left out: nothing was. */
  firstSeq?: number;
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
  /** What you have set. Left out: nothing. */
  settings?: ConversationSettings;
};

/** How far somebody has received and read a conversation, each a `seq`. */
export type Member = {
  userId: string;
  received: number;
  read: number;
};

/** A message, as it is stored. */
export type StoredMessage = {
  /** 1, 2, 3 ... without gaps in each conversation. */
  seq: number;
  /** A user's name. */
  fromUserId: string;
  /** A user's name. */
  toUserId: string;
  message: string;
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  /** The conversation's own, for ever. */
  conversationId: string;
  /** The message's own, for ever. */
  id: string;
  clientId?: string;
  /** What it is; left out: a text. `message` says it in words. */
  kind?: string;
  /** `true`: its text was erased. */
  erased?: boolean;
};

/** What one user has set for a conversation. The other one is not told. */
export type ConversationSettings = {
  withUserId: string;
  /** No sound, no notice and no count for what comes. Left out: false. */
  muted?: boolean;
  /** Shown as unread until it is opened. Left out: false. */
  markedUnread?: boolean;
  /** Not in the list while its last message is not beyond this. 0: shown. Left out: 0. */
  hiddenSeq?: number;
};

/** How a user is shown. What is left out: the id, the first letter of the name, and nothing. */
export type Profile = {
  displayName?: string;
  avatarUrl?: string;
  subtitle?: string;
};

/** Messages in the order of `seq`; none of an unknown conversation, whose `lastSeq` is 0. */
export type History = {
  messages: StoredMessage[];
  lastSeq: number;
  /** There are others in the direction that was asked for. */
  more: boolean;
  /** As in `ready`: another one says that what was read before counts no more. */
  epoch: string;
  /** What lies before it was erased; left out: nothing was. */
  firstSeq?: number;
};

/** It is stored. `repeated`: it had been before. */
export type SentMessage = {
  seq: number;
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  /** A socket of the receiver took it. */
  delivered: boolean;
  /** The conversation's own, for ever. */
  conversationId: string;
  /** The message's own, for ever. */
  id: string;
  repeated?: boolean;
};

/** Changes in the order of their numbers. */
export type MessageChanges = {
  changes: MessageChange[];
  /** The number of the last one that there is; 0: none. */
  change: number;
  /** There are others behind these. */
  more: boolean;
  /** As in `ready`: another one says that what was read before counts no more. */
  epoch: string;
};

/** What changed the messages from `firstSeq` to `lastSeq`. */
export type MessageChange = {
  /** 1, 2, 3 ... without gaps in each conversation. */
  change: number;
  /** `erased`: they have no text any more. Others may come. */
  kind: "erased";
  firstSeq: number;
  lastSeq: number;
};

/** A notification, or with `toUserIds` or `everyone` a batch of them, is stored.

    `sockets`: how many sockets and streams took it just now. `repeated`: it had been there already. */
export type Pushed = {
  notificationId?: number;
  /** The same, as it was called first. */
  id?: number;
  batchId?: number;
  sockets?: number;
  repeated?: boolean;
};

/** How far a batch has got: `sent` of `total` users have theirs, and so many sockets took it. */
export type BatchProgress = {
  batchId: number;
  total: number;
  sent: number;
  sockets: number;
  finished: boolean;
};

/** One's notifications, the unseen first, then the newest. */
export type Notifications = {
  notifications: StoredNotification[];
  /** How many are unseen, of all. */
  unseen: number;
  /** `cursor` for the page after; null: there is none. */
  next: string | null;
  /** As in `ready`: another one says that what was read before counts no more. */
  epoch: string;
};

/** A notification, as it is stored. */
export type StoredNotification = {
  notificationId: number;
  /** The same, as it was called first. */
  id: number;
  message: string;
  level: "error" | "info" | "success" | "warning";
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  seen: boolean;
  title?: string;
  link?: string;
  /** ISO 8601, UTC, milliseconds. */
  expiresAt?: string;
  /** The same, as it was called first. */
  expires?: string;
};

/** What was seen or dismissed, the oldest change first. */
export type Changed = {
  changes: NotificationChange[];
  /** The number of the last one that there is; 0: none. */
  change: number;
  /** There are others, behind the last of these. */
  more: boolean;
  /** Some were deleted with their notifications: list these anew. */
  incomplete: boolean;
  /** As in `ready`: another one says that what was read before counts no more. */
  epoch: string;
};

/** What became of a notification: each counts once, with its last change. */
export type NotificationChange = {
  /** 1, 2, 3 ... without gaps for each user. */
  change: number;
  notificationId: number;
  seen: boolean;
  dismissed: boolean;
};

/** What was found, the newest first. */
export type FoundMessages = {
  messages: FoundMessage[];
  /** `cursor` for the page after; null: there is none. */
  next: string | null;
  /** As in `ready`: another one says that what was read before counts no more. */
  epoch: string;
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
  /** How those users here are shown of whom something is known. */
  profiles?: {[name: string]: Profile};
};

/** A message that holds the text, and whom it was exchanged with. */
export type FoundMessage = {
  /** 1, 2, 3 ... without gaps in each conversation. */
  seq: number;
  /** A user's name. */
  fromUserId: string;
  /** A user's name. */
  toUserId: string;
  message: string;
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  /** The conversation's own, for ever. */
  conversationId: string;
  /** The message's own, for ever. */
  id: string;
  clientId?: string;
  /** What it is; left out: a text. `message` says it in words. */
  kind?: string;
  /** `true`: its text was erased. */
  erased?: boolean;
  /** A user's name. */
  withUserId: string;
};

/** Those first whom one shares a conversation with, the newest first; then others by the alphabet. */
export type Users = {
  users: User[];
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
  /** How those users here are shown of whom something is known. */
  profiles?: {[name: string]: Profile};
};

/** Somebody to write to. */
export type User = {
  /** A user's name. */
  userId: string;
  /** How the user is. Left out: you may not know; see `CHAT_AUTH`. */
  presence?: "away" | "offline" | "online";
};

/** How a user's name is spelt, whichever spelling was asked for. */
export type NamedUser = {
  /** A user's name. */
  userId: string;
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
  /** How those users here are shown of whom something is known. */
  profiles?: {[name: string]: Profile};
};

/** All whom one has blocked, in the order of the alphabet. */
export type BlockedUsers = {
  blocked: BlockedUser[];
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
};

/** Somebody whom one has blocked. */
export type BlockedUser = {
  /** A user's name. */
  userId: string;
  /** ISO 8601, UTC, milliseconds. */
  since: string;
};

/** All of them are stored. */
export type StoredProfiles = {
  /** Whose profile was another one before. */
  changed: number;
};

/** How these users are shown. Whom nothing is known of is left out; what the site still has to say comes as events. */
export type ShownProfiles = {
  profiles: {[name: string]: Profile};
  /** The keys of those names here that are not their own key. */
  keys?: {[name: string]: string};
};

/** How one is shown oneself, and what one may change of it. */
export type OwnProfile = {
  profile: Profile;
  /** `false`: the site says it. */
  editable: boolean;
  /** Whether this server takes pictures. */
  pictures: boolean;
};

/** The server takes requests, and its database can be read and written. */
export type Health = {
  status: string;
};

/** What a client has to keep to. Of what is counted by the time, 0 means: no limit. */
export type ToldLimits = {
  frameBytes: number;
  fragments: number;
  outboxBytes: number;
  initSeconds: number;
  userIdChars: number;
  clientIdChars: number;
  refChars: number;
  tokenChars: number;
  passwordMinChars: number;
  passwordChars: number;
  burstSeconds: number;
  eventsPerSecond: number;
  framesPerSecond: number;
  bytesPerSecond: number;
  messagesPerMinute: number;
  initsPerMinute: number;
  storedBytesPerMinute: number;
  storedBytesPerDay: number;
  strangersBytesPerSecond: number;
  newNamesPerMinute: number;
  socketsPerUser: number;
  socketsPerAddress: number;
  upgradesPerMinute: number;
  requestsPerMinute: number;
  blocks: number;
  blockChangesPerMinute: number;
  bodyBytes: number;
  searchChars: number;
  pageItems: number;
  pageMessages: number;
  pageBytes: number;
  unreadCounted: number;
  readyConversations: number;
  readyNotifications: number;
  notificationChars: number;
  notificationTitleChars: number;
  notificationLinkChars: number;
  notificationSeconds: number;
  notificationUsers: number;
  pushBytes: number;
};

/** Something that a program wants somebody to know. */
export type Notification = {
  type: "notification";
  notificationId: number;
  id: number;
  message: string;
  level: "error" | "info" | "success" | "warning";
  timestamp: string;
  title?: string;
  link?: string;
  expiresAt?: string;
  expires?: string;
  seen?: boolean;
};

/** This notification was seen on one of your other screens, or all `upTo` this one. */
export type Seen = {
  type: "seen";
  notificationId: number;
  change: number;
  upTo?: number;
};

/** One of your other screens has done with this notification, or with all `upTo` this one. */
export type Dismissed = {
  type: "dismissed";
  notificationId: number;
  change: number;
  upTo?: number;
};

/** I am `userId`, as `token` proves. With `sync` I fetch what I missed, and say what I received.

    `v` and `features` say what the client knows. Other fields may be a later version's, so they are passed over.
     */
export type SendInit = {
  type: "init";
  userId: string;
  /** Left out: 0. */
  v?: number;
  /** Left out: []. */
  features?: string[];
  /** Left out: false. */
  sync?: boolean;
  token?: string;
  ref?: number | string;
};

/** A message to another user. `fromUserId`, where given, must be the sender's own name. */
export type SendChat = {
  type: "chat";
  message: string;
  toUserId?: string;
  conversationId?: string;
  fromUserId?: string;
  clientId?: string;
  kind?: string;
  ref?: number | string;
};

/** What `withUserId` and I wrote has arrived here, up to `seq`. */
export type SendReceived = {
  type: "received";
  seq: number;
  withUserId?: string;
  conversationId?: string;
  ref?: number | string;
};

/** What `withUserId` and I wrote was seen here, up to `seq`. */
export type SendRead = {
  type: "read";
  seq: number;
  withUserId?: string;
  conversationId?: string;
  ref?: number | string;
};

/** I am writing to `toUserId` just now. */
export type SendTyping = {
  type: "typing";
  toUserId?: string;
  conversationId?: string;
  ref?: number | string;
};

/** Let nothing pass between `userId` and me; or, with `unblock`, let it pass again. */
export type SendBlock = {
  type: "block";
  userId: string;
  ref?: number | string;
};

/** Let nothing pass between `userId` and me; or, with `unblock`, let it pass again. */
export type SendUnblock = {
  type: "unblock";
  userId: string;
  ref?: number | string;
};

/** Take this notification off all my screens; or all `upTo` this one. */
export type SendDismiss = {
  type: "dismiss";
  notificationId?: number;
  upTo?: number;
  ref?: number | string;
};

/** I have seen this notification; or all `upTo` this one. */
export type SendSeen = {
  type: "seen";
  notificationId?: number;
  upTo?: number;
  ref?: number | string;
};

export type SendAway = {
  type: "away";
  ref?: number | string;
};

export type SendBack = {
  type: "back";
  ref?: number | string;
};

export type SendPing = {
  type: "ping";
  ref?: number | string;
};

/** The answer to `init`. `features` names what the server has beyond version `v` of the protocol. */
export type Ready = {
  type: "ready";
  v: number;
  features: string[];
  server: string;
  epoch: string;
  timestamp: string;
  userId: string;
  heartbeat: number;
  limits: ToldLimits;
  conversations: Standing[];
  more?: boolean;
  unseen?: number;
  notificationChange?: number;
  expiresAt?: string;
  blocked?: string[];
  settings?: ConversationSettings[];
  profiles?: {[name: string]: Profile};
  keys?: {[name: string]: string};
};

/** How far a conversation has got, and how far its users: `seq`s, 0 for nothing. `presence` is the other user's. */
export type Standing = {
  withUserId: string;
  lastSeq: number;
  received: number;
  read: number;
  theirReceived: number;
  theirRead: number;
  unread: number;
  presence: "away" | "offline" | "online";
  conversationId: string;
  members: Member[];
  lastSeen?: string;
  change?: number;
  firstSeq?: number;
};

/** A message on its way to the receiver's sockets and the sender's other ones. */
export type ChatMessage = {
  type: "chat";
  fromUserId: string;
  toUserId: string;
  message: string;
  timestamp: string;
  seq: number;
  conversationId: string;
  id: string;
  clientId?: string;
  kind?: string;
  keys?: {[name: string]: string};
};

/** The answer to an event with a `ref`: it was done. */
export type Ack = {
  type: "ack";
  ref: number | string;
};

/** The answer to a `chat` with a `ref`: it is stored, as `seq` of its conversation. */
export type ChatAck = {
  type: "ack";
  ref: number | string;
  seq: number;
  timestamp: string;
  delivered: boolean;
  conversationId: string;
  id: string;
  repeated?: boolean;
};

/** `fromUserId` is writing to you. */
export type TypingHint = {
  type: "typing";
  fromUserId: string;
  conversationId: string;
  keys?: {[name: string]: string};
};

/** The answer to `ping`. */
export type Pong = {
  type: "pong";
  timestamp: string;
};

/** The answer to an event that failed. */
export type Failure = {
  type: "error";
  code: string;
  message: string;
  field?: string;
  rule?: string;
  params?: {[name: string]: number | string | string[]};
  ref?: number | string;
  retryAfter?: number;
};

/** `userId` has received and read the conversation with `withUserId` up to these `seq`s. */
export type Receipt = {
  type: "receipt";
  userId: string;
  withUserId: string;
  received: number;
  read: number;
  conversationId: string;
  members: Member[];
  keys?: {[name: string]: string};
};

/** `userId` is online, away or offline now. */
export type PresenceChange = {
  type: "presence";
  userId: string;
  status: "away" | "offline" | "online";
  lastSeen?: string;
  keys?: {[name: string]: string};
};

/** You have blocked `userId`, or no longer do, on another of your screens. */
export type BlockChange = {
  type: "blocking";
  userId: string;
  blocked: boolean;
  keys?: {[name: string]: string};
};

/** You have set something for a conversation, on any of your screens. */
export type SettingsChange = {
  type: "settings";
  settings: ConversationSettings;
  keys?: {[name: string]: string};
};

/** `userId`, a partner of yours or somebody whom you asked for, is shown so from now on. */
export type ProfileChange = {
  type: "profile";
  userId: string;
  profile: Profile;
  keys?: {[name: string]: string};
};

/** The server stops, and closes with 1012: come back after `retryAfter` seconds. */
export type Restart = {
  type: "restart";
  retryAfter: number;
};

/** Each type of the API by its name. */
export type Schemas = {
  Failed: Failed;
  Fault: Fault;
  NewAccount: NewAccount;
  NewSession: NewSession;
  NewPassword: NewPassword;
  ReadUpTo: ReadUpTo;
  NewSettings: NewSettings;
  NewMessage: NewMessage;
  NewNotification: NewNotification;
  UpTo: UpTo;
  NewProfile: NewProfile;
  NewProfiles: NewProfiles;
  NamedProfile: NamedProfile;
  WantedProfiles: WantedProfiles;
  OwnWords: OwnWords;
  NewPicture: NewPicture;
  Session: Session;
  OpenSessions: OpenSessions;
  OpenSession: OpenSession;
  Conversations: Conversations;
  Conversation: Conversation;
  Member: Member;
  StoredMessage: StoredMessage;
  ConversationSettings: ConversationSettings;
  Profile: Profile;
  History: History;
  SentMessage: SentMessage;
  MessageChanges: MessageChanges;
  MessageChange: MessageChange;
  Pushed: Pushed;
  BatchProgress: BatchProgress;
  Notifications: Notifications;
  StoredNotification: StoredNotification;
  Changed: Changed;
  NotificationChange: NotificationChange;
  FoundMessages: FoundMessages;
  FoundMessage: FoundMessage;
  Users: Users;
  User: User;
  NamedUser: NamedUser;
  BlockedUsers: BlockedUsers;
  BlockedUser: BlockedUser;
  StoredProfiles: StoredProfiles;
  ShownProfiles: ShownProfiles;
  OwnProfile: OwnProfile;
  Health: Health;
  ToldLimits: ToldLimits;
  Notification: Notification;
  Seen: Seen;
  Dismissed: Dismissed;
};

/** What each operation of the API takes and answers, and the codes of its errors. */
export type Operations = {
  /** Give a free name a password, which it needs from then on; a token for it. Send your own token with it, if you have one: a name that an older session holds takes no password from a younger one. Where everybody signs in, the name must be new. */
  open_account: {
    method: "POST"; path: "/api/accounts"; parameters: {}; body: NewAccount; answer: Session;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "sign_up_closed" | "slow_body" | "name_taken" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Sign in: get a token. Where the site says who is there (`chat.identify`), its cookie does, without a body; the token is good for 10 minutes, and only a page of the site itself gets it. `userId` is then who it has to be. */
  open_session: {
    method: "POST"; path: "/api/session"; parameters: {}; body: NewSession; answer: Session;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "sign_in_needed" | "wrong_password" | "not_signed_in" | "disabled" | "origin_refused" | "unknown_user" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Sign out: the token counts no more, and its sockets close. One without `jti` cannot be signed out. */
  close_session: {
    method: "DELETE"; path: "/api/session"; parameters: {}; body: undefined; answer: undefined;
    code: "not_signed_in" | "conflict" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Get the next token of your session, for at most 30 days from the sign-in. */
  renew_session: {
    method: "POST"; path: "/api/session/renew"; parameters: {}; body: undefined; answer: Session;
    code: "not_signed_in" | "forbidden" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Change one's password. All tokens lose their worth; a new one is the answer. */
  change_password: {
    method: "PUT"; path: "/api/password"; parameters: {}; body: NewPassword; answer: Session;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "wrong_password" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Your sessions that count. */
  list_sessions: {
    method: "GET"; path: "/api/sessions"; parameters: {}; body: undefined; answer: OpenSessions;
    code: "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** End one of your sessions: its token counts no more, and its sockets close. */
  end_session: {
    method: "DELETE"; path: "/api/sessions/{sessionId}"; parameters: {path: {"sessionId": string}}; body: undefined; answer: undefined;
    code: "invalid_field" | "not_signed_in" | "not_found" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** One's conversations, that with the newest message first. */
  list_conversations: {
    method: "GET"; path: "/api/conversations"; parameters: {query: {"limit"?: number; "cursor"?: string}}; body: undefined; answer: Conversations;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** How the conversation with a user stands. */
  show_conversation: {
    method: "GET"; path: "/api/conversations/{userId}"; parameters: {path: {"userId": string}}; body: undefined; answer: Conversation;
    code: "invalid_field" | "not_signed_in" | "unknown_user" | "not_found" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Say how far you have read the conversation with a user. It only moves forward. */
  mark_read: {
    method: "PUT"; path: "/api/conversations/{userId}/read"; parameters: {path: {"userId": string}}; body: ReadUpTo; answer: undefined;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "unknown_user" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Mute a conversation, mark it as unread, hide it until its next message. The other user is not told. */
  set_conversation: {
    method: "PUT"; path: "/api/conversations/{userId}/settings"; parameters: {path: {"userId": string}}; body: NewSettings; answer: undefined;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "forbidden" | "unknown_user" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** The messages of the conversation with a user, in the order of seq. */
  list_messages: {
    method: "GET"; path: "/api/conversations/{userId}/messages"; parameters: {path: {"userId": string}; query: {"before"?: number; "after"?: number; "since"?: string; "limit"?: number}}; body: undefined; answer: History;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "unknown_user" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Send a message to a user. */
  send_message: {
    method: "POST"; path: "/api/conversations/{userId}/messages"; parameters: {path: {"userId": string}}; body: NewMessage; answer: SentMessage;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "blocked" | "unknown_user" | "slow_body" | "conflict" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** What changed messages of a conversation after they were written. */
  list_changes: {
    method: "GET"; path: "/api/conversations/{userId}/changes"; parameters: {path: {"userId": string}; query: {"after"?: number; "limit"?: number}}; body: undefined; answer: MessageChanges;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "unknown_user" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Say something to one user, to many, or to everyone; for services with the scope notify. */
  push_notification: {
    method: "POST"; path: "/api/notifications"; parameters: {header: {"Idempotency-Key"?: string}}; body: NewNotification; answer: Pushed;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "forbidden" | "unknown_user" | "slow_body" | "conflict" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** One's notifications, the unseen first, then the newest. */
  list_notifications: {
    method: "GET"; path: "/api/notifications"; parameters: {query: {"limit"?: number; "cursor"?: string}}; body: undefined; answer: Notifications;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** How far a batch has got; for the service that asked for it. */
  show_batch: {
    method: "GET"; path: "/api/notifications/batches/{batchId}"; parameters: {path: {"batchId": number}}; body: undefined; answer: BatchProgress;
    code: "invalid_field" | "not_signed_in" | "forbidden" | "not_found" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Which of one's notifications were seen or dismissed since a change. */
  list_notification_changes: {
    method: "GET"; path: "/api/notifications/changes"; parameters: {query: {"after"?: number; "limit"?: number}}; body: undefined; answer: Changed;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Mark one's notifications as seen, all up to one. */
  see_notifications: {
    method: "POST"; path: "/api/notifications/seen"; parameters: {}; body: UpTo; answer: undefined;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Take one's notifications off all one's screens, all up to one. */
  dismiss_notifications: {
    method: "POST"; path: "/api/notifications/dismiss"; parameters: {}; body: UpTo; answer: undefined;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Take a notification off all one's screens. */
  dismiss_notification: {
    method: "POST"; path: "/api/notifications/{notificationId}/dismiss"; parameters: {path: {"notificationId": number}}; body: undefined; answer: undefined;
    code: "invalid_field" | "not_signed_in" | "not_found" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** One's notifications as server-sent events, from now on or from Last-Event-ID. */
  stream_notifications: {
    method: "GET"; path: "/api/notifications/stream"; parameters: {query: {"change"?: number}; header: {"Last-Event-ID"?: string}}; body: undefined; answer: undefined;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable" | "too_many_sockets" | "stopping";
  };
  /** One's messages that hold a text, the newest first. */
  search_messages: {
    method: "GET"; path: "/api/search"; parameters: {query: {"q": string; "limit"?: number; "cursor"?: string}}; body: undefined; answer: FoundMessages;
    code: "unknown_field" | "invalid_field" | "missing_field" | "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Names that begin so. */
  list_users: {
    method: "GET"; path: "/api/users"; parameters: {query: {"q"?: string; "here"?: boolean; "limit"?: number}}; body: undefined; answer: Users;
    code: "unknown_field" | "invalid_field" | "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Say how many users are shown, all or none; for services with the scope users. */
  put_users: {
    method: "POST"; path: "/api/users"; parameters: {}; body: NewProfiles; answer: StoredProfiles;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "forbidden" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Whose a name is that somebody typed, and how it is spelt. */
  show_user: {
    method: "GET"; path: "/api/users/{userId}"; parameters: {path: {"userId": string}}; body: undefined; answer: NamedUser;
    code: "invalid_field" | "not_signed_in" | "unknown_user" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Say how a user is shown; for services with the scope users. The user is known from then on. */
  put_user: {
    method: "PUT"; path: "/api/users/{userId}"; parameters: {path: {"userId": string}}; body: NewProfile; answer: undefined;
    code: "bad_json" | "unknown_field" | "invalid_field" | "bad_request" | "not_signed_in" | "forbidden" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Whom you have blocked. */
  list_blocks: {
    method: "GET"; path: "/api/blocks"; parameters: {}; body: undefined; answer: BlockedUsers;
    code: "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Block a user: nothing passes between the two any more. */
  block_user: {
    method: "PUT"; path: "/api/blocks/{userId}"; parameters: {path: {"userId": string}}; body: undefined; answer: undefined;
    code: "invalid_field" | "not_signed_in" | "forbidden" | "unknown_user" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Unblock a user. */
  unblock_user: {
    method: "DELETE"; path: "/api/blocks/{userId}"; parameters: {path: {"userId": string}}; body: undefined; answer: undefined;
    code: "invalid_field" | "not_signed_in" | "unknown_user" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** How users are shown. */
  find_profiles: {
    method: "POST"; path: "/api/profiles"; parameters: {}; body: WantedProfiles; answer: ShownProfiles;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Your own profile. */
  show_profile: {
    method: "GET"; path: "/api/profile"; parameters: {}; body: undefined; answer: OwnProfile;
    code: "not_signed_in" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Change your own display name and subtitle. */
  put_profile: {
    method: "PUT"; path: "/api/profile"; parameters: {}; body: OwnWords; answer: Profile;
    code: "bad_json" | "unknown_field" | "invalid_field" | "bad_request" | "not_signed_in" | "forbidden" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** Upload your own picture. */
  put_picture: {
    method: "PUT"; path: "/api/profile/picture"; parameters: {}; body: NewPicture; answer: Profile;
    code: "bad_json" | "unknown_field" | "missing_field" | "invalid_field" | "bad_request" | "not_signed_in" | "forbidden" | "slow_body" | "too_large" | "not_json" | "wrong_host" | "rate_limited" | "internal" | "pictures_off" | "busy" | "unavailable";
  };
  /** Take your own picture away. */
  delete_picture: {
    method: "DELETE"; path: "/api/profile/picture"; parameters: {}; body: undefined; answer: Profile;
    code: "not_signed_in" | "forbidden" | "wrong_host" | "rate_limited" | "internal" | "busy" | "unavailable";
  };
  /** This document, OpenAPI 3.1. */
  show_document: {
    method: "GET"; path: "/api/openapi.json"; parameters: {}; body: undefined; answer: {[name: string]: unknown};
    code: "wrong_host" | "rate_limited" | "internal";
  };
  /** The WebSocket's events, as an AsyncAPI 3.0 document. */
  show_events: {
    method: "GET"; path: "/api/asyncapi.json"; parameters: {}; body: undefined; answer: {[name: string]: unknown};
    code: "wrong_host" | "rate_limited" | "internal";
  };
  /** Whether all works; for a balancer. */
  show_health: {
    method: "GET"; path: "/api/health"; parameters: {}; body: undefined; answer: Health;
    code: "wrong_host" | "rate_limited" | "internal" | "unavailable" | "disk_full" | "database_read_only" | "database_locked" | "database_replaced";
  };
  /** What a client has to keep to; 0: no limit. */
  show_limits: {
    method: "GET"; path: "/api/limits"; parameters: {}; body: undefined; answer: ToldLimits;
    code: "wrong_host" | "rate_limited" | "internal";
  };
};

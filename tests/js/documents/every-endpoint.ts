// Uses each operation of the API by the types that openapi-typescript makes of its document (./api), and holds those that
// `make clients` makes (./chat) against them. tests/test_clients.py compiles it, under --strict; nobody runs it.

import type {components, paths} from "./api";
import type {ClientEvent, Operations, Schemas, ServerEvent} from "./chat";

type Method = "get" | "post" | "put" | "delete";
type PathOf<M extends Method> = {[P in keyof paths]: paths[P][M] extends {responses: unknown} ? P : never}[keyof paths];
type Part<O, K extends string> = O extends {parameters: infer P} ? (P extends {[name in K]?: infer V} ? V : undefined) : undefined;
type BodyOf<O> = O extends {requestBody: {content: {"application/json": infer B}}} ? B : undefined;
type Answers<O, S> = O extends {responses: infer R}
  ? {[N in keyof R & S]: R[N] extends {content: {"application/json": infer A}} ? A : undefined}[keyof R & S]
  : never;
type CodeOf<O> = Answers<O, 400 | 401 | 403 | 404 | 408 | 409 | 413 | 415 | 421 | 429 | 500 | 503> extends {error: {code: infer C}}
  ? C
  : never;
type Given<O> = {
  path?: Part<O, "path">;
  query?: Part<O, "query">;
  header?: Part<O, "header">;
} & (BodyOf<O> extends undefined ? {} : {body: BodyOf<O>});

declare const token: string;

async function call<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  given: Given<paths[P][M]>,
): Promise<Answers<paths[P][M], 200 | 201 | 204>> {
  const body = "body" in given ? JSON.stringify(given.body) : undefined;
  const answer = await fetch(String(path), {method, body, headers: {Authorization: `Bearer ${token}`}});
  return (answer.status === 204 ? undefined : await answer.json()) as Answers<paths[P][M], 200 | 201 | 204>;
}

export async function everyEndpoint(): Promise<void> {
  const account = await call("post", "/api/accounts", {body: {userId: "alice", password: "correct horse battery"}});
  const session = await call("post", "/api/session", {body: {userId: "alice"}});
  const renewed = await call("post", "/api/session/renew", {});
  const proofs: string[] = [account.token, session.token, renewed.token];
  const changed = await call("put", "/api/password", {body: {oldPassword: "one", newPassword: "another one, longer"}});
  const isProtected: boolean = changed.hasPassword;
  const {sessions} = await call("get", "/api/sessions", {});
  await call("delete", "/api/sessions/{sessionId}", {path: {sessionId: sessions[0]!.sessionId}});
  await call("delete", "/api/session", {});

  const {conversations, next} = await call("get", "/api/conversations", {query: {limit: 10}});
  if (next) await call("get", "/api/conversations", {query: {cursor: next}});
  const {presence} = await call("get", "/api/conversations/{userId}", {path: {userId: "bob"}});
  const unread: number = conversations.reduce((sum, one) => sum + one.unread, 0);
  const history = await call("get", "/api/conversations/{userId}/messages", {path: {userId: "bob"}, query: {after: 7}});
  const sent = await call("post", "/api/conversations/{userId}/messages", {
    path: {userId: "bob"},
    body: {message: "hi", clientId: "m1"},
  });
  await call("put", "/api/conversations/{userId}/read", {path: {userId: "bob"}, body: {seq: sent.seq}});
  const {changes} = await call("get", "/api/conversations/{userId}/changes", {path: {userId: "bob"}, query: {after: 0}});
  const kinds: "erased"[] = changes.map((change) => change.kind);
  const texts: string[] = history.messages.map((message) => message.message);

  // @ts-expect-error exactly one of three kinds of receivers is given
  await call("post", "/api/notifications", {body: {message: "hi", toUserId: "bob", toUserIds: ["carol"]}});
  // @ts-expect-error and one at least
  await call("post", "/api/notifications", {body: {message: "hi"}});
  const pushed = await call("post", "/api/notifications", {
    body: {message: "The build is green", toUserId: "bob"},
    header: {"Idempotency-Key": "build-7"},
  });
  const batchId: number | undefined = (await call("post", "/api/notifications", {body: {message: "hi", everyone: true}})).batchId;
  const {finished} = await call("get", "/api/notifications/batches/{batchId}", {path: {batchId: batchId ?? 0}});
  const {notifications} = await call("get", "/api/notifications", {});
  const levels: ("info" | "success" | "warning" | "error")[] = notifications.map((one) => one.level);
  await call("post", "/api/notifications/{notificationId}/dismiss", {path: {notificationId: pushed.id ?? 0}});
  const settled = await call("get", "/api/notifications/changes", {query: {after: 0}});
  await call("post", "/api/notifications/seen", {body: {upTo: 7}});
  await call("post", "/api/notifications/dismiss", {body: {upTo: 7}});
  await call("get", "/api/notifications/stream", {header: {"Last-Event-ID": "7"}});

  const found = await call("get", "/api/search", {query: {q: "hi"}});
  const {users} = await call("get", "/api/users", {query: {q: "bo"}});
  const {userId: written, keys} = await call("get", "/api/users/{userId}", {path: {userId: "BOB"}});
  await call("put", "/api/conversations/{userId}/settings", {path: {userId: "bob"}, body: {muted: true, markedUnread: false, hiddenSeq: 0}});
  const {blocked} = await call("get", "/api/blocks", {});
  await call("put", "/api/blocks/{userId}", {path: {userId: "mallory"}});
  await call("delete", "/api/blocks/{userId}", {path: {userId: "mallory"}});

  await call("put", "/api/users/{userId}", {path: {userId: "bob"}, body: {displayName: "Bob Park"}});
  const {changed: changedProfiles} = await call("post", "/api/users", {body: {users: [{userId: "bob", subtitle: "Sales"}]}});
  const {profiles} = await call("post", "/api/profiles", {body: {userIds: ["bob"]}});
  const own = await call("get", "/api/profile", {});
  const renamed = await call("put", "/api/profile", {body: {displayName: "Alice Smith"}});
  const pictured = await call("put", "/api/profile/picture", {body: {image: "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs="}});
  const without = await call("delete", "/api/profile/picture", {});
  const faces: (string | null | undefined)[] = [profiles["bob"]?.avatarUrl, own.profile.avatarUrl, renamed.avatarUrl, pictured.avatarUrl, without.avatarUrl];

  const documents = [await call("get", "/api/openapi.json", {}), await call("get", "/api/asyncapi.json", {})];
  const limits = await call("get", "/api/limits", {});
  const mostBytes: number = limits.frameBytes;
  const {status} = await call("get", "/api/health", {});
  console.log(proofs, isProtected, unread, texts, finished, levels, found.messages, users, written, keys?.[written], blocked, documents, status, presence, mostBytes, kinds, settled, changedProfiles, faces);
}

/** What an error's code may be is known for each operation. */
export function sentence(code: CodeOf<paths["/api/session"]["post"]>): string {
  // @ts-expect-error no answer of this operation has this code
  if (code === "sign_up_closed") return "";
  return code === "wrong_password" ? "Name and password do not go together." : code;
}

/** Each event is told from the others by its type. */
export function heard(event: ServerEvent): ClientEvent | null {
  switch (event.type) {
    case "chat":
      return {type: "received", withUserId: event.fromUserId, seq: event.seq, ref: 1};
    case "presence":
      return event.status === "offline" ? null : {type: "typing", toUserId: event.userId};
    case "error":
      // @ts-expect-error an event without its text
      return {type: "chat", toUserId: event.field ?? "bob"};
    default:
      return null;
  }
}

// The two generators agree: each type of one can stand for that of the other, and both know the same operations.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
export const sameTypes: {[N in keyof Schemas | keyof components["schemas"]]: Same<Schemas[N], components["schemas"][N]>} =
  {} as {[N in keyof Schemas]: true};
export const samePaths: Same<Operations[keyof Operations]["path"], keyof paths> = true;

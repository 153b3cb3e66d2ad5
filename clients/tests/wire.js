/** Owns a WebSocket that speaks to a test instead of a server: each one that was made, in `sockets`, with what it sent. */

export const sockets = [];

class FakeWebSocket {
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
    sockets.push(this);
    queueMicrotask(() => this.onopen?.());
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  say(event) {
    this.onmessage?.({data: JSON.stringify(event)});
  }
}

globalThis.WebSocket = FakeWebSocket;

export const open = () => sockets.filter(({isClosed}) => !isClosed);
export const inits = (socket) => socket.sent.filter(({type}) => type === "init");
export const ready = {type: "ready", userId: "alice", epoch: "e", heartbeat: 25, limits: {frameBytes: 65536}};
export const chat = (seq, message) => ({type: "chat", conversationId: "~1", fromUserId: "bob", toUserId: "alice", seq, message});
export const settled = () => new Promise((resolve) => setTimeout(resolve));

// The classic Node server: package `ws`, a Map of user -> socket.
"use strict";
const { WebSocketServer } = require("ws");

const sockets = new Map(); // userId -> WebSocket

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  backlog: 4096, // of those who come at once; 511 by itself
  perMessageDeflate: false,
});

server.on("connection", (socket) => {
  let userId = null;

  socket.on("message", (data) => {
    const event = JSON.parse(data);
    if (event.type === "init") {
      userId = event.userId;
      sockets.set(userId, socket);
      socket.send(JSON.stringify({ type: "ready", userId }));
    } else if (event.type === "chat") {
      const receiver = sockets.get(event.toUserId);
      if (receiver) {
        receiver.send(JSON.stringify({
          type: "chat",
          fromUserId: event.fromUserId,
          toUserId: event.toUserId,
          message: event.message,
          timestamp: new Date().toISOString(),
        }));
      }
    }
  });

  socket.on("close", () => {
    if (sockets.get(userId) === socket) sockets.delete(userId);
  });
  socket.on("error", () => {}); // a client that vanishes is not the server's fault
});

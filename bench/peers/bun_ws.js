// Bun's own server, which is uWebSockets (C++) below: a Map of user -> socket. `bun bun_ws.js PORT`.
"use strict";

const sockets = new Map(); // userId -> ServerWebSocket

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),

  fetch(request, server) {
    if (server.upgrade(request, { data: { userId: null } })) return undefined;
    return new Response("This is a WebSocket server.", { status: 426 });
  },

  websocket: {
    message(socket, text) {
      const event = JSON.parse(text);
      if (event.type === "init") {
        socket.data.userId = event.userId;
        sockets.set(event.userId, socket);
        socket.send(JSON.stringify({ type: "ready", userId: event.userId }));
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
    },

    close(socket) {
      const { userId } = socket.data;
      if (sockets.get(userId) === socket) sockets.delete(userId);
    },
  },
});

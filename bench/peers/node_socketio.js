// Socket.IO on Node, its defaults but for the transport: WebSocket only, no polling first.
"use strict";
const { createServer } = require("http");
const { Server } = require("socket.io");

const sockets = new Map(); // userId -> Socket

const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });

io.on("connection", (socket) => {
  let userId = null;

  socket.on("init", (event) => {
    userId = event.userId;
    sockets.set(userId, socket);
    socket.emit("ready", { userId });
  });
  socket.on("chat", (event) => {
    const receiver = sockets.get(event.toUserId);
    if (receiver) {
      receiver.emit("chat", {
        fromUserId: event.fromUserId,
        toUserId: event.toUserId,
        message: event.message,
        timestamp: new Date().toISOString(),
      });
    }
  });
  socket.on("disconnect", () => {
    if (sockets.get(userId) === socket) sockets.delete(userId);
  });
});

http.listen(Number(process.argv[2]), "127.0.0.1", 4096); // of those who come at once; 511 by itself

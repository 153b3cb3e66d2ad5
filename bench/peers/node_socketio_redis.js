// Socket.IO on Node with its Redis adapter, as its documentation has it: a room a user. `node ... PORT REDIS_URL`.
"use strict";
const { createServer } = require("http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

const publisher = createClient({ url: process.argv[3] });
const subscriber = publisher.duplicate();

Promise.all([publisher.connect(), subscriber.connect()]).then(() => {
  const http = createServer();
  const io = new Server(http, {
    adapter: createAdapter(publisher, subscriber),
    transports: ["websocket"],
    serveClient: false,
  });

  io.on("connection", (socket) => {
    socket.on("init", async (event) => {
      await socket.join(event.userId);
      socket.emit("ready", { userId: event.userId });
    });
    socket.on("chat", (event) => {
      io.to(event.toUserId).emit("chat", {
        fromUserId: event.fromUserId,
        toUserId: event.toUserId,
        message: event.message,
        timestamp: new Date().toISOString(),
      });
    });
  });

  http.listen(Number(process.argv[2]), "127.0.0.1");
});

/** A server that takes everybody in and then ends each connection as the next of its arguments says: CODE[,ERROR[,RETRY]]. */

import {createServer} from "node:http";
import {WebSocketServer} from "ws";

const ends = process.argv.slice(2).map((end) => end.split(","));
const server = createServer((request, response) => {
  const answer = request.url?.startsWith("/api/session")
    ? {userId: "alice", token: "t", expiresAt: new Date(Date.now() + 3_600_000).toISOString()}
    : {notifications: [], next: null};
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
});
new WebSocketServer({server}).on("connection", (socket) => {
  socket.once("message", () => {
    socket.send(JSON.stringify({type: "ready", v: 1, epoch: "e", userId: "alice", conversations: []}));
    const [code, error, retryAfter] = ends.shift() ?? [];
    if (error) socket.send(JSON.stringify({type: "error", code: error, message: error, ...(retryAfter && {retryAfter: Number(retryAfter)})}));
    if (code === "1006") socket.terminate();
    else if (code === "1005") socket.close();
    else if (code) socket.close(Number(code));
  });
});
server.listen(0, "127.0.0.1", () => console.log(Object(server.address()).port));

// The peer "socketio": Socket.IO 4 with its Redis adapter and pg, written the way its documentation does it.
// One statement for each message, then the room (through Redis), then the sender's ack. The WebSocket transport alone.
const http = require("node:http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { Pool } = require("pg");
const { createClient } = require("redis");
const { Server } = require("socket.io");

const { PORT, REDIS_SOCKET } = process.env;

const INSERT = {
  name: "insert",
  text: `INSERT INTO messages (conversation_id, client_id, role, content) VALUES ($1, $2, 'user', $3)
         RETURNING id, created_at`,
};

async function main() {
  const pub = createClient({ socket: { path: REDIS_SOCKET } });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  const pool = new Pool({ max: 32 }); // PGHOST, PGPORT, PGUSER, PGDATABASE

  const server = http.createServer();
  const io = new Server(server, { adapter: createAdapter(pub, sub), transports: ["websocket"], perMessageDeflate: false });
  io.on("connection", (socket) => {
    socket.join(socket.handshake.query.room);
    socket.on("send", async ({ ref, conversation_id, client_id, text }) => {
      const kept = await pool.query({ ...INSERT, values: [conversation_id, client_id, text] });
      const { id, created_at } = kept.rows[0];
      socket.emit("accepted", { ref, message_id: id, conversation_id, committed_at: created_at });
      io.to(conversation_id).emit("message", {
        conversation_id, message_id: id, role: "user", text, created_at, client_id,
      });
    });
  });
  server.listen(Number(PORT), "127.0.0.1", 4096);
}

main();

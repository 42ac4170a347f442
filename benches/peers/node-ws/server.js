// The Node `ws` peer: an echo or a broadcast with the library's ordinary settings, no compression.
// node server.js PORT echo|fan-out.
import { WebSocketServer, WebSocket } from 'ws';

const [port, mode] = process.argv.slice(2);

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(port),
  backlog: 4096,
  perMessageDeflate: false,
});

server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (message, binary) => {
    if (mode === 'echo') {
      socket.send(message, { binary });
      return;
    }
    for (const member of server.clients) {
      if (member.readyState === WebSocket.OPEN) member.send(message, { binary });
    }
  });
});

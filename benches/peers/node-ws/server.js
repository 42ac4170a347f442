// The Node `ws` peer: an echo or a broadcast with the library's ordinary settings, no compression.
// node server.js PORT echo|fan-out [CERTIFICATE KEY], the last two for TLS.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { WebSocketServer, WebSocket } from 'ws';

const [port, mode, certificate, key] = process.argv.slice(2);
const place = { host: '127.0.0.1', port: Number(port), backlog: 4096 };

function listen() {
  if (!certificate) return { ...place };
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  server.on('tlsClientError', () => {});
  return { server: server.listen(place) };
}

const server = new WebSocketServer({ ...listen(), perMessageDeflate: false });

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

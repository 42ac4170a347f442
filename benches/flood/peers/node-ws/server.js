// A chat on `ws` as its documentation shows one, with the library's own settings.
// node server.js PORT SECRET_FILE. Tokens (HS256) come in the address.
import { readFileSync } from 'node:fs';
import jwt from 'jsonwebtoken';
import { WebSocket, WebSocketServer } from 'ws';

const [port, secretFile] = process.argv.slice(2);
const secret = readFileSync(secretFile, 'utf8');

function isSignedIn({ req }) {
  const token = new URL(req.url, 'http://localhost').searchParams.get('token');
  try {
    jwt.verify(token, secret, { algorithms: ['HS256'] });
    return true;
  } catch {
    return false;
  }
}

const chat = new WebSocketServer({ host: '127.0.0.1', port: Number(port), verifyClient: isSignedIn });

chat.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (message, isBinary) => {
    for (const member of chat.clients) {
      if (member.readyState === WebSocket.OPEN) member.send(message, { binary: isBinary });
    }
  });
});

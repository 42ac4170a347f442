"""A chat of the kind that WebSocket tutorials for FastAPI end with: rooms, a JWT in the address, bounds on connections
and messages. It has their weaknesses on purpose, each marked below; it is measured, not recommended.

FLOOD_SECRET_FILE names the file with the secret that tokens are signed with (HS256).
"""

import json
import os
import time
from pathlib import Path

import jwt
from fastapi import FastAPI, Query, WebSocket, WebSocketDisconnect, status

SECRET = Path(os.environ["FLOOD_SECRET_FILE"]).read_text()
CONNECTIONS_PER_USER = 3
MESSAGES, SECONDS = 5, 5
CHARACTERS_MAX = 500


class Limiter:
    """So many messages in so many seconds of one key. It forgets no key."""

    def __init__(self):
        self.times = {}

    def allows(self, key):
        now = time.time()
        recent = [then for then in self.times.get(key, []) if then > now - SECONDS]
        if allowed := len(recent) < MESSAGES:
            recent.append(now)
        self.times[key] = recent
        return allowed


class Rooms:
    def __init__(self):
        self.members = {}
        self.connections = {}

    async def enter(self, room, name, socket):
        self.connections[name] = self.connections.get(name, 0) + 1
        self.members.setdefault(room, []).append(socket)
        await self.tell(room, "System", f"User {name} has joined the chat.")

    async def leave(self, room, name, socket):
        self.connections[name] -= 1
        self.members[room].remove(socket)
        await self.tell(room, "System", f"User {name} has left the chat.")

    async def tell(self, room, sender, message):
        notice = {"sender": sender, "message": message, "timestamp": time.time(), "room_id": room}
        # Everybody waits for whoever reads slowly, and an error at one member is the end for those after them.
        for member in self.members[room]:
            await member.send_json(notice)


app = FastAPI()
limiter = Limiter()
rooms = Rooms()


def user_of(token):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])["sub"]
    except:  # noqa: E722 (whatever is wrong, it is the same silence)
        return None


def fault_of(text):
    """The message and its room, or what is wrong. Nothing wrong costs its sender anything."""
    try:
        asked = json.loads(text)
        message, room = asked.get("message", ""), asked.get("room_id", "lobby")
    except (ValueError, AttributeError):
        return None, None, "Invalid JSON format"
    if not isinstance(message, str) or not message.strip():
        return None, None, "Message cannot be empty"
    if len(message) > CHARACTERS_MAX:
        return None, None, f"Message too long (max {CHARACTERS_MAX} characters)"
    if not isinstance(room, str) or not room.isalnum():
        return None, None, "Room ID must be alphanumeric"
    return message, room, None


@app.websocket("/ws/chat/{client}")
async def chat(socket: WebSocket, client: str, token: str = Query("")):
    name = user_of(token)
    if name is None or rooms.connections.get(name, 0) >= CONNECTIONS_PER_USER:
        await socket.close(status.WS_1008_POLICY_VIOLATION)
        return
    await socket.accept()
    await rooms.enter("lobby", name, socket)
    try:
        while True:
            message, room, fault = fault_of(await socket.receive_text())
            # After the parser, and by a key that the client chose itself.
            if fault is None and not limiter.allows(client):
                fault = "Rate limit exceeded. Please wait before sending more messages."
            if fault is not None:
                await socket.send_json({"error": fault})
            else:
                await rooms.tell(room, name, message)
    except WebSocketDisconnect:
        # Any other error leaves the member in the list.
        await rooms.leave("lobby", name, socket)

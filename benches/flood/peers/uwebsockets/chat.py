"""A chat on uWebSockets, through socketify, as its documentation shows one: one topic, the library's own settings.

chat.py PORT SECRET_FILE. Tokens (HS256) come in the address.
"""

import sys
from pathlib import Path

import jwt
from socketify import App

PORT, SECRET = int(sys.argv[1]), Path(sys.argv[2]).read_text()


def upgrade(response, request, context):
    try:
        jwt.decode(request.get_query("token") or "", SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        response.write_status(401).end("")
        return
    fields = ("key", "protocol", "extensions")
    response.upgrade(*(request.get_header(f"sec-websocket-{field}") for field in fields), context)


app = App()
app.ws(
    "/ws/chat",
    {
        "upgrade": upgrade,
        "open": lambda socket: socket.subscribe("lobby"),
        "message": lambda socket, message, opcode: socket.publish("lobby", message, opcode),
    },
)
app.listen({"host": "127.0.0.1", "port": PORT}, lambda _: None)
app.run()

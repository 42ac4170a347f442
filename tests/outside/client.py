"""Python `websockets` against a running server: sign in, chat in both protocols, and see every kind of refusal.

run.sh gives the environment: OUTSIDE_ADDRESS, OUTSIDE_BINARY and OUTSIDE_CONFIG.
"""
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
import traceback

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

ADDRESS = os.environ["OUTSIDE_ADDRESS"]
ORIGIN = "http://good.example"
WAIT_S = 5


def token(user, ttl="5m"):
    command = [os.environ["OUTSIDE_BINARY"], "token", "--config", os.environ["OUTSIDE_CONFIG"]]
    made = subprocess.run([*command, "--sub", user, "--ttl", ttl], check=True, capture_output=True, text=True)
    return made.stdout.strip()


def open_socket(path="/ws/chat", headers=None, **options):
    return connect(f"ws://{ADDRESS}{path}", additional_headers=headers, proxy=None, close_timeout=WAIT_S, **options)


def bearer(user):
    return {"Authorization": f"Bearer {token(user)}"}


def receive(socket):
    return json.loads(socket.recv(timeout=WAIT_S))


def receive_until(socket, is_it):
    while not is_it(notice := receive(socket)):
        pass
    return notice


@contextlib.contextmanager
def hello(user, **options):
    with open_socket(headers=bearer(user), subprotocols=["wardroom.v1"], **options) as socket:
        first = receive(socket)
        assert first["type"] == "hello" and first["user"] == user, first
        yield socket


def ending(socket, *messages):
    """Sends, then gives the close code and reason, which may come while it still sends. No close frame fails here."""
    try:
        for message in messages:
            socket.send(message)
        while True:
            socket.recv(timeout=WAIT_S)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None, f"no close frame: {closed!r}"
        return closed.rcvd.code, closed.rcvd.reason


def status_of(**options):
    try:
        with open_socket(**options):
            return 101, None
    except InvalidStatus as refused:
        return refused.response.status_code, json.loads(refused.response.body)["code"]


def ticket(user):
    connection = http.client.HTTPConnection(ADDRESS, timeout=WAIT_S)
    connection.request("POST", "/ticket", headers={**bearer(user), "Origin": ORIGIN, "Content-Length": "0"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, (answer.status, body)
    return f"wardroom.ticket.{body['ticket']}"


def a_query_token_signs_in():
    with open_socket(f"/ws/chat?token={token('query')}") as socket:
        notice = receive(socket)
        assert notice["message"] == "User query has joined the chat.", notice
        assert notice["sender"] == "System", notice


def a_bearer_header_signs_in():
    with hello("bearer"):
        pass


def a_ticket_as_a_subprotocol_signs_in_once():
    spent = ticket("ticket")
    with open_socket(subprotocols=["wardroom.v1", spent], origin=ORIGIN) as socket:
        assert socket.subprotocol == "wardroom.v1"
        assert receive(socket)["user"] == "ticket"
    with open_socket(subprotocols=["wardroom.v1", spent], origin=ORIGIN) as socket:
        assert ending(socket) == (1008, "invalid credentials")


def a_ticket_is_good_for_its_origin_only():
    with open_socket(subprotocols=["wardroom.v1", ticket("bound")]) as socket:
        assert ending(socket) == (1008, "invalid credentials")


def a_cookie_signs_in_with_an_allowed_origin():
    cookie = {"Cookie": f"theme=dark; session={token('cookie')}"}
    with open_socket(headers=cookie, origin=ORIGIN, subprotocols=["wardroom.v1"]) as socket:
        assert receive(socket)["user"] == "cookie"


def a_cookie_without_an_origin_is_forbidden():
    cookie = {"Cookie": f"session={token('cookie')}"}
    assert status_of(headers=cookie) == (403, "origin_forbidden")


def another_origin_is_forbidden_whatever_the_credential():
    for origin in ["http://evil.example", "https://good.example", "http://good.example.evil.example", "null"]:
        assert status_of(headers=bearer("origin"), origin=origin) == (403, "origin_forbidden"), origin


def bad_credentials_are_said_as_close_1008():
    cases = [
        (None, "credentials required"),
        ({"Authorization": "Bearer nonsense"}, "invalid credentials"),
        ({"Authorization": f"Bearer {token('mallory')[:-2]}"}, "invalid credentials"),
        ({"Authorization": "Basic YTpi"}, "invalid credentials"),
    ]
    for headers, reason in cases:
        with open_socket(headers=headers) as socket:
            assert ending(socket) == (1008, reason), reason


def a_bad_bearer_is_not_rescued_by_a_good_query_token():
    with open_socket(f"/ws/chat?token={token('rescue')}", headers={"Authorization": "Bearer x"}) as socket:
        assert ending(socket) == (1008, "invalid credentials")


def an_open_connection_ends_with_its_token():
    short = token("short", ttl="2s")
    with open_socket(headers={"Authorization": f"Bearer {short}"}) as socket:
        assert ending(socket) == (1008, "token expired")
    with open_socket(headers={"Authorization": f"Bearer {short}"}) as socket:
        assert ending(socket) == (1008, "token expired")


def two_people_talk_in_the_tutorials_protocol():
    with open_socket(f"/ws/chat?token={token('anna')}") as anna, open_socket(headers=bearer("ben")) as ben:
        assert anna.subprotocol is None
        anna.send('{"message": "grüß dich 👋"}')
        for socket in (anna, ben):
            said = receive_until(socket, lambda notice: notice.get("sender") == "anna")
            assert said["message"] == "grüß dich 👋", said
            assert abs(said["timestamp"] - time.time()) < 60, said


def two_people_talk_in_the_full_protocol():
    with hello("carl") as carl, hello("dora") as dora:
        carl.send(json.dumps({"type": "join", "id": "j", "room": "general"}))
        assert receive_until(carl, lambda notice: notice.get("id") == "j")["type"] == "ok"
        dora.send(json.dumps({"type": "join", "id": 1, "room": "general"}))
        assert receive_until(dora, lambda notice: notice.get("id") == 1)["type"] == "ok"
        carl.send(json.dumps({"type": "send", "id": 2, "room": "general", "message": "hi"}))
        reply = receive_until(carl, lambda notice: notice.get("id") == 2)
        assert reply["type"] == "ok", reply
        said = receive_until(dora, lambda notice: notice["type"] == "message" and notice["room"] == "general")
        assert (said["sender"], said["message"], said["seq"]) == ("carl", "hi", reply["seq"]), said


def both_protocols_share_their_rooms():
    with hello("emil") as emil, open_socket(headers=bearer("fay")) as fay:
        fay.send('{"message": "from there"}')
        said = receive_until(emil, lambda n: n["type"] == "message" and n["sender"] == "fay")
        assert said["message"] == "from there" and said["room"] == "lobby", said
        emil.send('{"type":"send","id":1,"room":"lobby","message":"and back"}')
        said = receive_until(fay, lambda notice: notice.get("sender") == "emil")
        assert said["message"] == "and back", said


def the_tutorials_errors_have_their_exact_texts():
    cases = [
        ("not json", "Invalid JSON format"),
        ('{"message": ""}', "Message cannot be empty"),
        (json.dumps({"message": "x" * 501}), "Message too long (max 500 characters)"),
        ('{"message": "hi", "room_id": "no spaces"}', "Room ID must be alphanumeric"),
    ]
    with open_socket(headers=bearer("errors")) as socket:
        for text, error in cases:
            socket.send(text)
            assert receive_until(socket, lambda notice: "error" in notice)["error"] == error


def the_full_protocols_errors_have_stable_codes():
    cases = [
        ("{", "invalid_json"),
        ("[]", "not_an_object"),
        ('{"type":"sing"}', "unknown_type"),
        ('{"type":"ping","colour":"red"}', "unknown_field"),
        ('{"type":"ping","type":"ping"}', "duplicate_field"),
        ('{"type":"join","room":"nowhere"}', "unknown_room"),
        ('{"type":"send","room":"general","message":"hi"}', "not_in_room"),
    ]
    with hello("codes") as socket:
        for text, code in cases:
            socket.send(text)
            assert receive_until(socket, lambda notice: notice["type"] == "error")["code"] == code


def the_sixth_message_is_limited_and_says_for_how_long():
    with open_socket(headers=bearer("eager")) as socket:
        for _ in range(6):
            socket.send('{"message": "hi"}')
        refused = receive_until(socket, lambda notice: "error" in notice)
        assert refused["error"] == "Rate limit exceeded. Please wait before sending more messages.", refused
        assert refused["limit"] == "messages_per_user" and refused["scope"] == "user", refused
        time.sleep(refused["retry_after_ms"] / 1000)
        socket.send('{"message": "again"}')
        receive_until(socket, lambda notice: notice.get("message") == "again")


def the_fourth_connection_of_a_user_is_turned_away_until_one_leaves():
    with hello("many"), hello("many"):
        with hello("many"), open_socket(headers=bearer("many")) as fourth:
            assert ending(fourth) == (1008, "too many connections for this user")
        with hello("many"):
            pass


def compression_is_offered_and_not_negotiated():
    with hello("deflate", compression="deflate") as socket:
        assert "permessage-deflate" in socket.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


def a_ping_gets_its_pong():
    with hello("ping") as socket:
        for payload in [b"", b"x" * 125]:
            assert socket.ping(payload).wait(WAIT_S)


def a_message_too_big_is_answered_by_1009():
    with hello("big") as socket:
        assert ending(socket, "x" * 100_000) == (1009, "message too big")


def fragments_are_added_up_before_they_are_too_big():
    with hello("fragments") as socket:
        assert ending(socket, ["x" * 1000] * 20) == (1009, "message too big")


def fragments_of_one_message_are_one_message():
    with open_socket(headers=bearer("pieces")) as socket:
        socket.send(['{"mess', 'age": "in ', 'pieces"}'])
        receive_until(socket, lambda notice: notice.get("message") == "in pieces")


def a_binary_message_is_answered_by_1003_on_the_chat():
    with hello("binary") as socket:
        assert ending(socket, b"\x00\x01") == (1003, "binary messages are not accepted")


def the_echo_endpoint_gives_back_what_it_gets():
    with open_socket("/ws/echo", headers=bearer("echo")) as socket:
        for message in ["", "grüß", b"", bytes(range(256)), "x" * 65_536]:
            socket.send(message)
            assert socket.recv(timeout=WAIT_S) == message
        assert ending(socket, "x" * 65_537) == (1009, "message too big")


def a_clean_close_is_answered_in_kind():
    with hello("leaver") as socket:
        socket.close(code=1000, reason="good night")
    assert socket.protocol.close_rcvd is not None and socket.protocol.close_rcvd.code == 1000


def other_paths_are_not_found():
    assert status_of(path="/ws/nothing", headers=bearer("lost")) == (404, "not_found")


TESTS = [
    a_query_token_signs_in,
    a_bearer_header_signs_in,
    a_ticket_as_a_subprotocol_signs_in_once,
    a_ticket_is_good_for_its_origin_only,
    a_cookie_signs_in_with_an_allowed_origin,
    a_cookie_without_an_origin_is_forbidden,
    another_origin_is_forbidden_whatever_the_credential,
    bad_credentials_are_said_as_close_1008,
    a_bad_bearer_is_not_rescued_by_a_good_query_token,
    an_open_connection_ends_with_its_token,
    two_people_talk_in_the_tutorials_protocol,
    two_people_talk_in_the_full_protocol,
    both_protocols_share_their_rooms,
    the_tutorials_errors_have_their_exact_texts,
    the_full_protocols_errors_have_stable_codes,
    the_sixth_message_is_limited_and_says_for_how_long,
    the_fourth_connection_of_a_user_is_turned_away_until_one_leaves,
    compression_is_offered_and_not_negotiated,
    a_ping_gets_its_pong,
    a_message_too_big_is_answered_by_1009,
    fragments_are_added_up_before_they_are_too_big,
    fragments_of_one_message_are_one_message,
    a_binary_message_is_answered_by_1003_on_the_chat,
    the_echo_endpoint_gives_back_what_it_gets,
    a_clean_close_is_answered_in_kind,
    other_paths_are_not_found,
]


def main():
    failed = 0
    for test in TESTS:
        try:
            test()
        except Exception:
            failed += 1
            print(f"FAILED {test.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

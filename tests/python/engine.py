"""A python-socketio client that tries the engine: acks, binary, broadcast, an answer to the server, a namespace.

Takes the URL and the transports, and prints one JSON object with what it has seen.
"""

import json
import sys
import threading

import socketio

BYTES = bytes([0, 1, 2, 255, 30])
DEADLINE_S = 20


def main():
    url, transports = sys.argv[1], sys.argv[2].split(",")
    client, other = socketio.Client(), socketio.Client()
    heard, answered, echoed = threading.Event(), threading.Event(), threading.Event()
    seen = {}

    @other.on("broadcast")
    def on_broadcast(text, data, *_):
        seen["broadcast"] = [text, data == BYTES]
        heard.set()

    @client.on("question")
    def on_question(text):
        return text + " fine"

    @client.on("answered")
    def on_answered(text, *_):
        seen["answered"] = text
        answered.set()

    @client.on("echo-event")
    def on_echo(data, *_):
        seen["event"] = data == {"bytes": BYTES}
        echoed.set()

    client.connect(url, transports=transports, namespaces=["/", "/private"], auth={"token": "secret"})
    other.connect(url, transports=transports)
    seen["transport"] = client.transport()
    seen["ack"] = client.call("echo", ("one", 2, {"three": [None]}), timeout=DEADLINE_S)
    seen["binary"] = client.call("echo", {"deep": [BYTES]}, timeout=DEADLINE_S) == {"deep": [BYTES]}
    seen["private"] = client.call("echo", "in", namespace="/private", timeout=DEADLINE_S)
    client.emit("echo-event", {"bytes": BYTES})
    client.emit("ask-me")
    client.call("broadcast", ("hello", BYTES), timeout=DEADLINE_S)
    seen["complete"] = all(event.wait(DEADLINE_S) for event in (heard, answered, echoed))
    client.disconnect()
    other.disconnect()
    print(json.dumps(seen))


main()

"""A python-socketio client that is driven from outside: one JSON command per line in, one JSON report per line out.

Follows the tutorial as a Python program would: it keeps the offset of the last line and names it at every connect.
"""

import json
import sys
import threading

import socketio

OUTPUT = threading.Lock()


def report(**fields):
    with OUTPUT:
        print(json.dumps(fields), flush=True)


def main():
    url, transports = sys.argv[1], sys.argv[2].split(",")
    auth = {"serverOffset": 0}
    if len(sys.argv) > 3:
        auth["lineage"] = sys.argv[3]
    client = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.5)
    client.on("connect", lambda: report(event="connect", transport=client.transport()))
    client.on("disconnect", lambda *_: report(event="disconnect"))

    @client.on("chat message")
    def on_line(text, offset, *_):
        auth["serverOffset"] = offset
        report(event="line", text=text, offset=offset)

    client.connect(url, auth=lambda: dict(auth), transports=transports)
    for line in sys.stdin:
        command = json.loads(line)
        number = command["number"]
        try:
            answer = client.call("chat message", tuple(command["args"]), timeout=20)
            report(event="ack", number=number, answer=answer)
        except Exception as err:  # Whatever it is, the test decides what it means.
            report(event="error", number=number, error=repr(err))
    client.disconnect()


main()

"""A bot in python-socketio: answers "!ping" wherever it is, and is the same person after a restart.

Install and run it with: pip install "python-socketio[client]" && python bot.py http://localhost:3000 bot.json
"""

import json
import os
import secrets
import sys
import threading
import time

import socketio

url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000"
file = sys.argv[2] if len(sys.argv) > 2 else "bot.json"
client = socketio.Client(reconnection=False)  # The loop at the end reconnects, after refusals as well.
lock = threading.RLock()  # Every event is handled in a thread of its own.


def new_device():
    return {"device": secrets.token_hex(16), "n": 0, "open": {}}


def save():
    with open(os.open(f"{file}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:  # The token is a secret.
        json.dump(state, out)
    os.replace(f"{file}.new", file)


def auth():
    return {"v": 1, **{key: state[key] for key in ("token", "device", "cursor") if key in state}}


def send(event, **fields):
    state["n"] += 1
    # What has no answer yet is kept and sent again; its number makes sure that it happens once.
    state["open"][str(state["n"])] = [event, {"n": state["n"], **fields}]
    save()
    transmit(str(state["n"]))


def transmit(n):
    def answered(ack):
        with lock:
            if not ack["ok"]:
                print(f"{state['open'].get(n)} was refused: {ack['code']}", file=sys.stderr)
            if "n" in ack:
                state["open"].pop(n, None)
                save()
            else:  # The number is not used up ("busy", "expected"): come back in a second and send all again.
                threading.Timer(1, client.disconnect).start()

    event, fields = state["open"][n]
    client.emit(event, fields, namespace="/v1", callback=answered)


@client.on("welcome", namespace="/v1")
def on_welcome(welcome):
    with lock:
        # More than 5,000 entries have passed: events start from now. A bot that needs the others asks for `history`.
        if "cursor" in state and not welcome["resumed"] and not welcome["reset"]:
            print("away for too long: what was said meanwhile is not answered", file=sys.stderr)
        state.update({key: welcome[key] for key in ("server", "user", "token", "cursor") if key in welcome})
        if welcome.get("reset"):  # Somebody restored an older backup: our numbers mean nothing there.
            state.update(new_device())
            save()
            os.execv(sys.executable, [sys.executable, *sys.argv])  # Begin again, with that device.
        save()
        if state["n"] == 0:
            send("name", name="pybot")
        else:
            for n in sorted(state["open"], key=int):
                transmit(n)


@client.on("message", namespace="/v1")
def on_message(message):
    with lock:
        state["cursor"] = message["cursor"]  # After a broken connection or a restart the stream continues from here.
        if message["text"] == "!ping":
            send("say", room=message["room"], text=f"pong, {message['from'].get('name', 'guest')}")
        else:
            save()


@client.on("*", namespace="/v1")
def on_other(_, fields):
    with lock:
        if "rev" in fields:  # An entry of the log, of any kind.
            state["cursor"] = fields["cursor"]
            save()


@client.on("connect_error", namespace="/v1")
def on_refused(error):  # Keep the token: its server may come back.
    print(f"cannot connect: {error.get('data', error) if isinstance(error, dict) else error}", file=sys.stderr)


state = json.load(open(file)) if os.path.exists(file) else new_device()
while True:
    try:
        client.connect(url, namespaces="/v1", auth=auth)
        client.wait()
    except socketio.exceptions.ConnectionError:
        pass
    time.sleep(1)

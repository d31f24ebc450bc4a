"""A bot in python-socketio: answers "!ping" wherever it is. Run it with: python bot.py http://localhost:3000"""

import secrets
import sys

import socketio

auth = {"v": 1, "device": secrets.token_hex(16)}
client = socketio.Client(reconnection_delay=0.5)
waiting = {}  # What has no answer yet is sent again; its number makes sure that it happens once.
sent = 0


def send(event, **fields):
    global sent
    sent += 1
    waiting[sent] = (event, {"n": sent, **fields})
    transmit(sent)


def transmit(n):
    event, fields = waiting[n]
    client.emit(event, fields, namespace="/v1", callback=lambda ack: waiting.pop(ack.get("n"), None))


@client.on("welcome", namespace="/v1")
def on_welcome(welcome):
    auth["token"] = welcome.get("token", auth.get("token"))
    auth["cursor"] = welcome["cursor"]
    if sent == 0:
        send("name", name="pybot")
    for n in sorted(waiting):
        transmit(n)


@client.on("message", namespace="/v1")
def on_message(message):
    auth["cursor"] = message["cursor"]  # After a broken connection the stream goes on from here.
    if message["text"] == "!ping":
        send("say", room=message["room"], text=f"pong, {message['from'].get('name', 'guest')}")


client.connect(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000", namespaces="/v1", auth=lambda: dict(auth))
client.wait()

"""A python-socketio client that only polls: a room with many messages, a burst, and many answers at once.

Takes the URL, "sync" or "async", how many messages the room has, how many it is to send, and "coarse" for a clock that
moves 64 times a second, as that of Windows before Python 3.13. Prints a JSON report per
line: "ready" when everything is replayed, then, after a line on standard input, what has come in all.
"""

import asyncio
import json
import sys
import threading
import time
import types

import engineio.base_client
import socketio

DEADLINE_S = 60


def report(**fields):
    print(json.dumps(fields), flush=True)


def talk_sync(url, old, own):
    client = socketio.Client(reconnection=False)
    texts, ends, answers = [], [], []
    enough, complete, wanted = threading.Event(), threading.Event(), [old]

    @client.on("chat message")
    def on_line(text, *_):
        texts.append(text)
        if len(texts) >= wanted[0]:
            enough.set()

    def on_answer(*answer):
        answers.append(answer)
        if len(answers) == own:
            complete.set()

    client.on("disconnect", lambda *reason: ends.append(reason))
    client.connect(url, transports=["polling"], auth={"serverOffset": 0})
    report(event="ready", complete=enough.wait(DEADLINE_S), texts=len(texts))
    wanted[0] = old + own + int(sys.stdin.readline())
    enough.clear()
    for number in range(own):
        client.emit("chat message", (f"own {number}", f"py-{number}"), callback=on_answer)
    answered = complete.wait(DEADLINE_S)
    enough.wait(DEADLINE_S)
    report(event="done", answered=answered, texts=texts, ends=ends, transport=client.transport())
    client.disconnect()


async def talk_async(url, old, own):
    client = socketio.AsyncClient(reconnection=False)
    texts, ends, answers = [], [], []
    enough, complete, wanted = asyncio.Event(), asyncio.Event(), [old]

    @client.on("chat message")
    async def on_line(text, *_):
        texts.append(text)
        if len(texts) >= wanted[0]:
            enough.set()

    def on_answer(*answer):
        answers.append(answer)
        if len(answers) == own:
            complete.set()

    async def waits(event):
        try:
            await asyncio.wait_for(event.wait(), DEADLINE_S)
            return True
        except asyncio.TimeoutError:
            return False

    client.on("disconnect", lambda *reason: ends.append(reason))
    await client.connect(url, transports=["polling"], auth={"serverOffset": 0})
    report(event="ready", complete=await waits(enough), texts=len(texts))
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    wanted[0] = old + own + int(line)
    enough.clear()
    for number in range(own):
        await client.emit("chat message", (f"own {number}", f"py-{number}"), callback=on_answer)
    answered = await waits(complete)
    await waits(enough)
    report(event="done", answered=answered, texts=texts, ends=ends, transport=client.transport())
    await client.disconnect()


def make_clock_coarse():
    """Only the marks of requests are made with it."""
    engineio.base_client.time = types.SimpleNamespace(time=lambda: int(time.time() * 64) / 64)


def main():
    if "coarse" in sys.argv:
        make_clock_coarse()
    url, way, old, own = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if way == "async":
        asyncio.run(talk_async(url, old, own))
    else:
        talk_sync(url, old, own)


main()

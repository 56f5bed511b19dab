"""An application that sends a megabyte at a time and says how many were taken: `python -m quantum.web` runs it."""

import asyncio

PART = b"x" * 1_000_000
PARTS = 60
sent, gone = 0, False


async def application(scope, receive, send):
    global sent, gone
    if scope["type"] == "websocket":
        await frames(receive, send)
        return
    if scope["path"] == "/told":
        await answer(send, f"{sent} {gone}".encode())
        return
    if scope["path"].startswith("/fails"):
        await fail(send, begun=scope["path"] == "/fails/halfway")
    await receive()
    left = asyncio.create_task(receive())
    sent = 0
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(PARTS):
        await send({"type": "http.response.body", "body": PART, "more_body": True})
        if left.done():
            gone = True
            return
        sent += 1
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def frames(receive, send):
    """The same parts as frames of a socket, while what comes in is heard and asks for nothing."""
    global sent, gone
    await receive()
    await send({"type": "websocket.accept"})
    sent, gone = 0, False
    left = asyncio.create_task(hear(receive))
    for _ in range(PARTS):
        await send({"type": "websocket.send", "bytes": PART})
        if gone:
            return
        sent += 1
    await left


async def hear(receive):
    global gone
    while (await receive())["type"] != "websocket.disconnect":
        pass
    gone = True


async def answer(send, body):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def fail(send, begun):
    if begun:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("as the test wants it")

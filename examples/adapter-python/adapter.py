#!/usr/bin/env python3
"""A chat adapter in another language: lines on standard input and output are the platform.

    pip install -r requirements.txt
    JARVIS_TOKEN=... python3 adapter.py 127.0.0.1:7787 [path/to/proto]

A line "ROOM PERSON text" is a message; what the bot says is written as "ROOM #ID text", with line
ends as \\n. docs/adapters.md says what an adapter promises; each promise is marked here with (1) to (6).
"""
import os
import queue
import sys
import threading
import time
import uuid

import grpc

PROTO = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(__file__), "../../proto")
sys.path.insert(0, PROTO)
chat, services = grpc.protos_and_services("jarvis/chat/v1/chat.proto")

INSTANCE = str(uuid.uuid4())
pending = {}  # events without their acknowledgement, oldest first
results = {}  # outcomes of recent actions
outbox = queue.Queue()  # frames of the live session; None ends it
lock = threading.Lock()
number = 0


def hello():
    capabilities = chat.Capabilities(
        progress=chat.PROGRESS_STYLE_MESSAGES, text_limit=4000, text_unit=chat.TEXT_UNIT_CHARACTERS
    )
    return chat.AdapterFrame(
        hello=chat.Hello(
            contract=1, kind="lines", bot="demo", token=os.environ.get("JARVIS_TOKEN", ""),
            capabilities=capabilities, software="adapter-python/1", instance=INSTANCE,
        )
    )


def read_lines():
    """Every line becomes an event with an id of its own."""
    global number
    for line in sys.stdin:
        room, person, text = (line.rstrip("\n").split(" ", 2) + ["", ""])[:3]
        with lock:
            number += 1
            event = chat.Event(
                id=f"{INSTANCE}-{number}", time_ms=int(time.time() * 1000), addressed=True,
                room=chat.Room(id=room, kind=chat.ROOM_KIND_PRIVATE),
                person=chat.Person(id=person, name=person, language="en"),
                message=chat.Message(message_id=str(number), text=text),
            )
            pending[event.id] = event  # (1) kept until it is acknowledged
            outbox.put(chat.AdapterFrame(event=event))
    os._exit(0)


def visible(segments):
    """What a reader sees of a text, without looks."""
    def one(segment):
        kind = segment.WhichOneof("kind")
        value = getattr(segment, kind) if kind else ""
        return value if isinstance(value, str) else getattr(value, "text", "") or getattr(value, "name", "")
    return "".join(one(segment) for segment in segments)


def perform(action):
    """Does what the brain asks for, once."""
    global number
    if action.id in results:  # (2) a repeated action is answered from memory
        return results[action.id]
    kind = action.WhichOneof("kind")
    result = chat.ActionResult(action=action.id)
    if kind == "say" or (kind == "progress" and not action.transient):
        number += 1
        text = visible(getattr(action, kind).text).replace("\n", "\\n")
        print(f"{action.room.id} #{number} {text}", flush=True)
        result.ok.message_id = str(number)
    elif kind in ("progress", "typing", "answer_press"):
        result.ok.SetInParent()  # (3) passing states may be dropped, and are answered all the same
    else:
        result.fatal = f"this platform has no {kind}"
    results[action.id] = result
    if len(results) > 1000:
        results.pop(next(iter(results)))
    return result


def session(channel):
    """One session with the brain; returns when it has ended."""
    global outbox
    with lock:
        outbox = queue.Queue()
        outbox.put(hello())
    try:
        for frame in services.ChatBrainStub(channel).Connect(iter(outbox.get, None)):
            if not take(frame):
                return
    finally:
        outbox.put(None)


def take(frame):
    """What one frame of the brain causes; says whether the session goes on."""
    kind = frame.WhichOneof("frame")
    if kind == "welcome":
        print("connected", file=sys.stderr, flush=True)
        with lock:  # (4) what was not acknowledged is sent again in each new session
            for event in pending.values():
                outbox.put(chat.AdapterFrame(event=event))
    elif kind == "refused":
        name = chat.RefusedReason.Name(frame.refused.reason)
        print(f"refused: {name}: {frame.refused.detail}", file=sys.stderr, flush=True)
        if frame.refused.reason in (1, 2, 5):  # (5) token, contract, hello: waiting cannot help
            os._exit(1)
        return False
    elif kind == "ack":
        with lock:
            pending.pop(frame.ack.event, None)
    elif kind == "action":
        outbox.put(chat.AdapterFrame(result=perform(frame.action)))
    elif kind == "ping":
        outbox.put(chat.AdapterFrame(pong=chat.Pong(nonce=frame.ping.nonce)))
    return True


threading.Thread(target=read_lines, daemon=True).start()
while True:  # (6) a session that is lost is made again, with a pause
    with grpc.insecure_channel(sys.argv[1]) as line:
        try:
            session(line)
        except grpc.RpcError as error:
            print(f"away: {error.code().name}", file=sys.stderr, flush=True)
    time.sleep(0.5)

"""Drives the fake platform of QQ's official bots with Tencent's own client (qqbot-agent-sdk).

Usage: check_qq_official_fake.py APP_ID SECRET, with QQ_API_BASE and QQ_TOKEN_URL in the environment.
Lines on standard output ask the test for something; each is answered with one line on standard input.
"""

import asyncio
import hashlib
import os
import sys

import httpx
from qqbot_agent_sdk import (
    EventParser,
    QQApiClient,
    QQWebSocket,
    WSCallbacks,
    parse_interaction_event,
)
from qqbot_agent_sdk.dto import FileHashInfo, MediaInfo, MessageToCreate, RichMediaMessage

LIMIT = 30


def ask(line):
    print(line, flush=True)
    sys.stdin.readline()


class Bot:
    def __init__(self, app_id, secret):
        self.api = QQApiClient(app_id, secret)
        self.session = (None, None)
        self.ready = asyncio.Event()
        self.connected = 0
        self.events = asyncio.Queue()
        self.beats = 0

    def callbacks(self):
        async def on_event(kind, data):
            await self.events.put((kind, data))

        def on_connected():
            self.connected += 1
            self.loop.call_soon_threadsafe(self.ready.set)

        def set_session(*session):
            self.session = session

        def on_beat():
            self.beats += 1

        return WSCallbacks(
            on_message_event=on_event,
            on_interaction_event=on_event,
            on_connected=on_connected,
            on_disconnected=lambda: None,
            on_fatal_error=lambda code, text: print(f"fatal {code} {text}", file=sys.stderr),
            get_token=self.api.ensure_token_sync,
            get_session=lambda: self.session,
            set_session=set_session,
            set_heartbeat_interval=lambda seconds: None,
            clear_token=self.api.clear_token,
            fail_pending=lambda reason: None,
            get_gateway_url=self.api.get_gateway_url_sync,
            on_heartbeat_ack=on_beat,
        )

    async def hears(self, kind):
        got, data = await asyncio.wait_for(self.events.get(), LIMIT)
        assert got == kind, (got, kind)
        return data


async def main():
    bot = Bot(sys.argv[1], sys.argv[2])
    bot.loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(trust_env=False) as http:
        bot.api.setup(http)
        socket = QQWebSocket(bot.callbacks())
        socket.start(bot.api.get_gateway_url_sync(), bot.loop)
        await asyncio.wait_for(bot.ready.wait(), LIMIT)

        ask("say hello there")
        data = await bot.hears("C2C_MESSAGE_CREATE")
        event = EventParser.parse("C2C_MESSAGE_CREATE", data)
        assert (event.content, event.chat_scope) == ("hello there", "c2c"), event
        openid, message = event.chat_id, event.message_id
        for markdown, text in ((True, "markdown of tencent"), (False, "text of tencent")):
            if markdown:
                sent = await bot.api.send_text("c2c", openid, text, reply_to=message, retries=1)
            else:
                body = MessageToCreate(content=text, msg_type=0, msg_id=message, msg_seq=7)
                sent = await bot.api.post_c2c_message(openid, body)
            assert sent["id"], sent
        await bot.api.send_typing(openid, message)

        ask("ask-group do it")
        data = await bot.hears("GROUP_AT_MESSAGE_CREATE")
        event = EventParser.parse("GROUP_AT_MESSAGE_CREATE", data)
        assert (event.content, event.chat_scope) == ("do it", "group"), event
        await bot.api.send_text(
            "group", event.chat_id, "to the group", reply_to=event.message_id, retries=1
        )

        # A keyboard in the shape of the client's own approvals.
        from qqbot_agent_sdk import build_approval_keyboard

        keyboard = build_approval_keyboard("session")
        body = {
            "msg_type": 2,
            "markdown": {"content": "may it?"},
            "keyboard": keyboard.to_dict(),
            "msg_id": message,
            "msg_seq": 8,
        }
        await bot.api.request("POST", f"/v2/users/{openid}/messages", body)
        label = keyboard.content.rows[0].buttons[0].render_data.label
        ask(f"press {label}")
        event = parse_interaction_event(await bot.hears("INTERACTION_CREATE"))
        assert event.data.resolved.button_data == keyboard.content.rows[0].buttons[0].action.data
        assert event.user_openid == openid
        await bot.api.acknowledge_interaction(event.id)

        # A file in parts.
        content = bytes(index % 251 for index in range(3_000_000))
        md5 = hashlib.md5(content).hexdigest()
        hashes = FileHashInfo(md5=md5, sha1=hashlib.sha1(content).hexdigest(), md5_10m=md5)
        plan = await bot.api.upload_c2c_prepare(openid, 4, "tencent.bin", len(content), hashes)
        at = 0
        for part in plan.parts:
            size = part.block_size or plan.block_size
            piece = content[at : at + size]
            at += size
            (await http.put(part.presigned_url, content=piece)).raise_for_status()
            await bot.api.upload_c2c_part_finish(
                openid, plan.upload_id, part.index, len(piece), hashlib.md5(piece).hexdigest()
            )
        file = await bot.api.complete_c2c_upload(openid, plan.upload_id)
        body = MessageToCreate(
            msg_type=7, msg_id=message, msg_seq=9, media=MediaInfo(file_info=file.file_info)
        )
        await bot.api.post_c2c_message(openid, body)
        small = RichMediaMessage(file_type=4, file_data="aGk=", file_name="small.txt")
        assert (await bot.api.upload_c2c_file(openid, small))["file_info"]

        # A connection that is asked to come again goes on with its session.
        before = bot.connected
        ask("reconnect")
        while bot.connected == before:
            await asyncio.sleep(0.05)
        ask("say once more")
        data = await bot.hears("C2C_MESSAGE_CREATE")
        assert data["content"] == "once more", data
        while bot.beats == 0:
            await asyncio.sleep(0.05)
        await socket.async_stop()
    print("passed everything", flush=True)


asyncio.run(asyncio.wait_for(main(), 100))

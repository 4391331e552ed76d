"""Drives the fake Telegram with python-telegram-bot, a client that knows the real server.

Usage: check_telegram_fake.py API_URL TOKEN

The other side of the chats is played by whoever started this script: it prints one request a line
("say TEXT", "press LABEL", "send-file NAME SIZE", "block", "unblock", "group TITLE", "group-say TEXT",
"big-file") and reads one line in answer (the chat id for "group", else "ok"). The last line is
"passed N checks".
"""

import asyncio
import hashlib
import sys

import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter
from telegram.request import HTTPXRequest

CHECKS = 0


def check(condition, what):
    global CHECKS
    if not condition:
        raise AssertionError(what)
    CHECKS += 1


async def ask(line):
    print(line, flush=True)
    return (await asyncio.to_thread(sys.stdin.readline)).strip()


async def fails(call, kind, words=""):
    try:
        await call
    except kind as error:
        check(type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}")
        check(words.lower() in str(error).lower(), f"{words!r} not in {error}")
        return error
    raise AssertionError(f"nothing raised, {kind.__name__} expected ({words})")


def bot_at(url, token):
    def client():
        return HTTPXRequest(connection_pool_size=8, read_timeout=20, httpx_kwargs={"trust_env": False})

    return telegram.Bot(
        token,
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        request=client(),
        get_updates_request=client(),
    )


async def updates_and_offsets(bot):
    await ask("say /start 你好 @nobody_here")
    first = await bot.get_updates(timeout=10, allowed_updates=["message", "callback_query", "my_chat_member"])
    check(len(first) == 1, "one update")
    message = first[0].message
    check(message.text == "/start 你好 @nobody_here", "text")
    check(message.parse_entity(message.entities[0]) == "/start", "command entity")
    check(message.from_user.language_code == "en", "language")
    again = await bot.get_updates(timeout=0)
    check([u.update_id for u in again] == [first[0].update_id], "unconfirmed comes again")
    await ask("say second")
    await ask("say third")
    rest = await bot.get_updates(offset=first[0].update_id + 1, timeout=0)
    check([u.message.text for u in rest] == ["second", "third"], "confirmed is gone, order is kept")
    one = await bot.get_updates(limit=1, timeout=0)
    check([u.message.text for u in one] == ["second"], "limit")
    last = await bot.get_updates(offset=-1, timeout=0)
    check([u.message.text for u in last] == ["third"], "negative offset")
    none = await bot.get_updates(offset=last[0].update_id + 1, timeout=0)
    check(none == (), "nothing left")

    waiting = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.sleep(0.3)
    await ask("say wakes the poll")
    woken = await asyncio.wait_for(waiting, 5)
    check(woken[0].message.text == "wakes the poll", "long poll")
    await bot.get_updates(offset=woken[0].update_id + 1, timeout=0)

    waiting = asyncio.create_task(bot.get_updates(timeout=10))
    await asyncio.sleep(0.3)
    await bot.get_updates(timeout=0)
    await fails(waiting, Conflict, "terminated by other getUpdates")
    return message.chat_id


async def messages(bot, chat):
    sent = await bot.send_message(
        chat,
        '<b>bold &amp; 😀</b> <a href="https://example.org/?a=1&amp;b=2">link</a> <pre><code class="language-sh">ls</code></pre>',
        parse_mode="HTML",
    )
    check(sent.text == "bold & 😀 link ls", "HTML text")
    kinds = [(e.type, sent.parse_entity(e)) for e in sent.entities]
    check(kinds == [("bold", "bold & 😀"), ("text_link", "link"), ("pre", "ls")], f"entities {kinds}")
    check(sent.entities[2].language == "sh", "language of the block")
    check(sent.entities[1].url == "https://example.org/?a=1&b=2", "link")
    for text in ("<b>open", "<nope>x</nope>", "a < b", "<b>x</i>"):
        await fails(bot.send_message(chat, text, parse_mode="HTML"), BadRequest, "can't parse entities")
    await fails(bot.send_message(chat, "  "), BadRequest, "text is empty")
    check((await bot.send_message(chat, "x" * 4096)).text == "x" * 4096, "longest text")
    await fails(bot.send_message(chat, "x" * 4097), BadRequest, "message is too long")
    await bot.send_message(chat, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
    await fails(bot.send_message(chat, "😀" * 2049), BadRequest, "message is too long")
    await fails(bot.send_message(777, "x"), BadRequest, "chat not found")
    await fails(bot.send_message(chat, "x", message_thread_id=99), BadRequest, "thread not found")

    reply = await bot.send_message(chat, "reply", reply_parameters=ReplyParameters(sent.message_id))
    check(reply.reply_to_message.message_id == sent.message_id, "reply")
    gone = ReplyParameters(99999)
    await fails(bot.send_message(chat, "x", reply_parameters=gone), BadRequest, "to be replied not found")
    gone = ReplyParameters(99999, allow_sending_without_reply=True)
    check((await bot.send_message(chat, "x", reply_parameters=gone)).reply_to_message is None, "lenient reply")

    changed = await bot.edit_message_text("<i>new</i>", chat, sent.message_id, parse_mode="HTML")
    check(changed.text == "new" and changed.edit_date is not None, "edit")
    same = bot.edit_message_text("<i>new</i>", chat, sent.message_id, parse_mode="HTML")
    await fails(same, BadRequest, "message is not modified")
    await fails(bot.edit_message_text("x", chat, 99999), BadRequest, "message to edit not found")
    await fails(bot.edit_message_text("x" * 4097, chat, sent.message_id), BadRequest, "too_long")
    await fails(bot.edit_message_text("x", chat, 1), BadRequest, "can't be edited")
    check(await bot.delete_message(chat, sent.message_id), "delete")
    await fails(bot.delete_message(chat, sent.message_id), BadRequest, "message to delete not found")
    check(await bot.send_chat_action(chat, "typing"), "typing")


async def buttons(bot, chat):
    def row(**data):
        return InlineKeyboardMarkup([[InlineKeyboardButton("go", **data)]])

    await bot.send_message(chat, "press", reply_markup=row(callback_data="x" * 64))
    await fails(bot.send_message(chat, "x", reply_markup=row(callback_data="x" * 65)), BadRequest, "BUTTON_DATA_INVALID")
    await fails(bot.send_message(chat, "x", reply_markup=row()), BadRequest, "unallowed")
    await ask("press go")
    press = (await bot.get_updates(timeout=5))[0]
    query = press.callback_query
    check(query.data == "x" * 64 and query.message.text == "press", "callback")
    check(await bot.answer_callback_query(query.id, text="done"), "answer")
    await fails(bot.answer_callback_query(query.id), BadRequest, "query is too old")
    await fails(bot.answer_callback_query("1"), BadRequest, "query is too old")
    await bot.edit_message_reply_markup(chat, query.message.message_id, reply_markup=None)
    await bot.get_updates(offset=press.update_id + 1, timeout=0)


async def files(bot, chat):
    data = bytes(range(256)) * 1000
    sent = await bot.send_document(chat, data, filename="result one.bin", caption="<b>c</b>", parse_mode="HTML")
    check(sent.document.file_name == "result one.bin" and sent.document.file_size == len(data), "document up")
    check(sent.caption == "c", "caption")
    back = await (await bot.get_file(sent.document.file_id)).download_as_bytearray()
    check(bytes(back) == data, "document back")
    again = await bot.send_document(chat, sent.document.file_id)
    check(again.document.file_name == "result one.bin", "document by id")
    await fails(bot.send_document(chat, "nonsense-id"), BadRequest, "wrong remote file identifier")
    await fails(bot.send_document(chat, data, caption="x" * 1025), BadRequest, "caption is too long")
    await fails(bot.send_document(chat, b"", filename="empty"), BadRequest, "non-empty")
    await fails(bot.send_photo(chat, b"no picture"), BadRequest, "IMAGE_PROCESS_FAILED")
    photo = await bot.send_photo(chat, b"\x89PNG\r\n\x1a\n" + data)
    check(len(photo.photo) == 1, "photo")

    digest = await ask("send-file a.tar.gz 300000")
    update = (await bot.get_updates(timeout=5))[0]
    document = update.message.document
    check(document.file_name == "a.tar.gz" and update.message.caption == "web-1:/srv/", "document down")
    bytes_down = await (await bot.get_file(document.file_id)).download_as_bytearray()
    check(hashlib.sha256(bytes_down).hexdigest() == digest, "same bytes")
    await ask("big-file")
    update = (await bot.get_updates(offset=update.update_id + 1, timeout=5))[0]
    await fails(bot.get_file(update.message.document.file_id), BadRequest, "file is too big")
    await fails(bot.get_file("nonsense"), BadRequest, "invalid file_id")
    await bot.get_updates(offset=update.update_id + 1, timeout=0)


async def menus(bot):
    me = await bot.get_me()
    check(me.is_bot and me.can_read_all_group_messages is False, "getMe")
    await bot.set_my_commands([("run", "run a command"), ("jobs", "list jobs")])
    await bot.set_my_commands([("run", "运行命令")], language_code="zh")
    check([c.command for c in await bot.get_my_commands()] == ["run", "jobs"], "menu")
    check((await bot.get_my_commands(language_code="zh"))[0].description == "运行命令", "Chinese menu")
    await fails(bot.set_my_commands([("Run", "x")]), BadRequest, "BOT_COMMAND_INVALID")
    await fails(bot.set_my_commands([("x" * 33, "x")]), BadRequest, "BOT_COMMAND_INVALID")
    check(await bot.delete_my_commands(language_code="zh"), "menu deleted")
    check(await bot.get_my_commands(language_code="zh") == (), "menu gone")


async def groups(bot):
    group = int(await ask("group ops"))
    await ask("group-say nothing for the bot")
    await ask(f"group-say /run@{(await bot.get_me()).username} web-1 uptime")
    update = (await bot.get_updates(timeout=5))[-1]
    check(update.message.chat.type == "group" and update.message.text.startswith("/run@"), "privacy mode")
    await bot.get_updates(offset=update.update_id + 1, timeout=0)
    check((await bot.get_chat(group)).title == "ops", "getChat")
    check(await bot.leave_chat(group), "leave")
    await fails(bot.send_message(group, "x"), Forbidden, "bot was kicked")


async def refusals(bot, chat, url, token):
    await ask("block")
    await fails(bot.send_message(chat, "x"), Forbidden, "bot was blocked by the user")
    gone = (await bot.get_updates(timeout=5))[-1]
    check(gone.my_chat_member.new_chat_member.status == "kicked", "my_chat_member")
    await bot.get_updates(offset=gone.update_id + 1, timeout=0)
    await ask("unblock")

    await ask("flood-on")
    for _ in range(3):
        await bot.send_message(chat, "quick")
    error = await fails(bot.send_message(chat, "too quick"), RetryAfter)
    wait = error.retry_after
    wait = wait if isinstance(wait, int) else int(wait.total_seconds())
    check(1 <= wait <= 3, f"retry_after {wait}")
    await ask("flood-off")

    await fails(bot_at(url, token[:-1] + "!").get_me(), InvalidToken)
    await fails(bot_at(url, "nonsense").get_me(), InvalidToken)
    await fails(bot.do_api_request("noSuchMethod"), telegram.error.EndPointNotFound, "not found")

    await ask("cut-next")
    await fails(bot.get_me(), NetworkError)

    check(await bot.set_webhook("https://example.org/hook", secret_token="abc_-1"), "webhook set")
    check((await bot.get_webhook_info()).url == "https://example.org/hook", "webhook info")
    await fails(bot.get_updates(timeout=0), Conflict, "webhook is active")
    await fails(bot.set_webhook("http://example.org/hook"), BadRequest, "HTTPS")
    await fails(bot.set_webhook("https://example.org/hook", secret_token="a b"), BadRequest, "secret token")
    check(await bot.delete_webhook(), "webhook deleted")
    await bot.get_updates(timeout=0)


async def main():
    url, token = sys.argv[1:3]
    bot = bot_at(url, token)
    async with bot:
        chat = await updates_and_offsets(bot)
        await messages(bot, chat)
        await buttons(bot, chat)
        await files(bot, chat)
        await menus(bot)
        await groups(bot)
        await refusals(bot, chat, url, token)
    print(f"passed {CHECKS} checks", flush=True)


asyncio.run(main())

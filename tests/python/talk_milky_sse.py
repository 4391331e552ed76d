"""milky-python-sdk, which hears events over server-sent events, and tells what it understood.

    talk_milky_sse.py http://HOST:PORT TOKEN
"""
import sys

from milky.bot import MilkyBot

bot = MilkyBot(sys.argv[1], sys.argv[2])


@bot.on_message()
async def tell(event):
    kinds = "+".join(segment.type for segment in event.data.segments)
    text = "".join(segment.data.text for segment in event.data.segments if segment.type == "text").strip()
    to_me = event.data.message_scene == "friend" or bot._is_mentioned(event)
    words = f"heard {text!r} as {kinds} from {event.data.sender_id} to me: {to_me}"
    await bot.reply(event, words, at_sender=False)


bot.startup()

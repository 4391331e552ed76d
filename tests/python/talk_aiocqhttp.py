"""aiocqhttp as a server that programs with a QQ login connect to, or post to.

    talk_aiocqhttp.py PORT TOKEN SECRET
"""
import sys

from aiocqhttp import CQHttp

bot = CQHttp(access_token=sys.argv[2], secret=sys.argv[3])


@bot.on_message
async def tell(event):
    print(f"heard {event.raw_message!r} of {event.user_id} in {event.get('group_id')}", flush=True)
    if "answer" in event.raw_message:
        sent = await bot.send(event, "an answer & [more]")
        print(f"sent {sent['message_id'] != 0}", flush=True)


bot.run(host="127.0.0.1", port=int(sys.argv[1]))

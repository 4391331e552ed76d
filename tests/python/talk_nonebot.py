"""A NoneBot that tells what it understood: a public client against our simulators of QQ.

    talk_nonebot.py onebot ws://HOST:PORT TOKEN
    talk_nonebot.py milky HOST PORT TOKEN
    talk_nonebot.py milky-webhook HOST PORT TOKEN OWN_PORT
"""
import sys

import nonebot

if sys.argv[1] == "onebot":
    from nonebot.adapters.onebot.v11 import Adapter

    settings = {"onebot_ws_urls": [sys.argv[2]], "onebot_access_token": sys.argv[3]}
else:
    from nonebot.adapters.milky import Adapter

    client = {"host": sys.argv[2], "port": int(sys.argv[3]), "access_token": sys.argv[4]}
    settings = {"milky_clients": [client]}

driver = "~httpx+~websockets"
if sys.argv[1] == "milky-webhook":
    driver = "~fastapi+~httpx"
    settings = {"milky_webhook": client, "host": "127.0.0.1", "port": int(sys.argv[5])}

nonebot.init(driver=driver, log_level="INFO", **settings)
nonebot.get_driver().register_adapter(Adapter)


@nonebot.on_message().handle()
async def tell(bot, event):
    kinds = "+".join(segment.type for segment in event.original_message) if hasattr(
        event, "original_message") else "+".join(segment.type for segment in event.get_message())
    text = event.get_plaintext().strip()
    await bot.send(event, f"heard {text!r} as {kinds} from {event.get_user_id()} to me: {event.is_tome()}")


nonebot.run()

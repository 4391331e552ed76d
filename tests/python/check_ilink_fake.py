"""Drives the fake of personal WeChat with openilink-sdk-python: from the code to the answer.

Usage: check_ilink_fake.py URL CDN_URL. Lines on standard output ask the test for something; each is
answered with one line on standard input.
"""

import sys

from openilink import Client, LoginCallbacks, MonitorOptions, TypingStatus, extract_text


def ask(line):
    print(line, flush=True)
    sys.stdin.readline()


def main():
    url, cdn_url = sys.argv[1:]
    client = Client("", base_url=url, cdn_base_url=cdn_url)
    callbacks = LoginCallbacks(
        on_qrcode=lambda link: ask(f"code {link}"),
        on_scanned=lambda: ask("scanned"),
        on_expired=lambda count, most: ask(f"expired {count} of {most}"),
    )
    result = client.login_with_qr(callbacks, timeout=30)
    assert result.connected, result
    assert result.user_id.endswith("@im.wechat") and result.bot_id.endswith("@im.bot"), result
    ask(f"signed-in {result.user_id}")
    heard = []

    def on_message(message):
        text = extract_text(message)
        heard.append(message.message_id)
        assert message.message_id > 2**53, message.message_id
        config = client.get_config(message.from_user_id, message.context_token)
        assert config.ret == 0 and config.typing_ticket, config
        client.send_typing(message.from_user_id, config.typing_ticket, TypingStatus.TYPING)
        client.push(message.from_user_id, f"heard {text!r}")
        if text == "bye":
            client.stop()

    def on_error(error):
        raise SystemExit(f"monitor: {error}")

    client.monitor(on_message, MonitorOptions(on_error=on_error))
    assert len(heard) == len(set(heard)) == 2, heard
    ask("done")


main()

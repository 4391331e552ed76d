"""wechatpy, a public client of WeCom and of Official Accounts, on either side of a callback.

talk_wechatpy.py receive KIND PORT TOKEN KEY ID: an app that answers what the platform posts.
talk_wechatpy.py drive   KIND BASE ID SECRET [AGENT]: an app that calls the API, as standard input tells it.
talk_wechatpy.py post    KIND URL TOKEN KEY ID [AGENT]: a platform that posts messages to an app.

KIND is wecom or official. What happens is told on standard output, one line each.
"""

import http.server
import io
import sys
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import requests
import wechatpy
import wechatpy.crypto
import wechatpy.enterprise
import wechatpy.enterprise.crypto
from wechatpy.exceptions import WeChatClientException

requests.sessions.Session.trust_env = False


def crypto(kind, token, key, receiver):
    kinds = {"wecom": wechatpy.enterprise.crypto, "official": wechatpy.crypto}
    return kinds[kind].WeChatCrypto(token, key, receiver)


def parse(kind, text):
    kinds = {"wecom": wechatpy.enterprise.parse_message, "official": wechatpy.parse_message}
    return kinds[kind](text)


def reply(kind, text, message):
    kinds = {"wecom": wechatpy.enterprise.create_reply, "official": wechatpy.create_reply}
    return kinds[kind](text, message).render()


def receive(kind, port, token, key, receiver):
    lock = crypto(kind, token, key, receiver)

    class Handler(http.server.BaseHTTPRequestHandler):
        def query(self):
            text = urllib.parse.urlsplit(self.path).query
            return dict(urllib.parse.parse_qsl(text))

        def answer(self, text):
            body = text.encode() if isinstance(text, str) else text
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            query = self.query()
            if kind == "wecom":
                word = lock.check_signature(
                    query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"]
                )
            else:
                wechatpy.utils.check_signature(
                    token, query["signature"], query["timestamp"], query["nonce"]
                )
                word = query["echostr"]
            print(f"checked {word}", flush=True)
            self.answer(word)

        def do_POST(self):
            query = self.query()
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sealed = "msg_signature" in query
            if sealed:
                body = lock.decrypt_message(
                    body, query["msg_signature"], query["timestamp"], query["nonce"]
                )
            else:
                wechatpy.utils.check_signature(
                    token, query["signature"], query["timestamp"], query["nonce"]
                )
            message = parse(kind, body)
            what = getattr(message, "content", getattr(message, "event", message.type))
            print(f"heard {what!r} from {message.source} as {message.type}", flush=True)
            answer = reply(kind, f"wechatpy says {what}", message)
            if sealed:
                answer = lock.encrypt_message(answer, "nonce-of-wechatpy", str(int(time.time())))
            self.answer(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    print("listens", flush=True)
    server.serve_forever()


def drive(kind, base, app, secret, agent="0"):
    if kind == "wecom":
        client = wechatpy.enterprise.WeChatClient(app, secret)
        token = f"{base}/gettoken", {"corpid": app, "corpsecret": secret}
    else:
        client = wechatpy.WeChatClient(app, secret)
        token = f"{base}/token", {
            "grant_type": "client_credential",
            "appid": app,
            "secret": secret,
        }
    client.API_BASE_URL = base + "/"
    client.fetch_access_token = lambda: client._fetch_access_token(*token)
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        user, what, text = line.rstrip("\n").split(" ", 2)
        try:
            if what == "text" and kind == "wecom":
                answer = client.message.send_text(int(agent), user, text)
            elif what == "text":
                answer = client.message.send_text(user, text)
            elif what == "typing":
                answer = client.post(
                    "message/custom/typing", data={"touser": user, "command": "Typing"}
                )
            else:
                content = b"\x89PNG and more" if what == "image" else b"a file"
                name = {"image": "p.png", "file": "f.txt"}[what]
                file = (name, io.BytesIO(content))
                media = client.media.upload(what, file)["media_id"]
                back = client.get("media/get", params={"media_id": media})
                assert back.content == content, back
                if kind == "wecom" and what == "image":
                    answer = client.message.send_image(int(agent), user, media)
                elif kind == "wecom":
                    answer = client.message.send_file(int(agent), user, media)
                else:
                    answer = client.message.send_image(user, media)
            print(f"done {answer.get('errcode')} {answer.get('invaliduser')!r}", flush=True)
        except WeChatClientException as error:
            print(f"refused {error.errcode}", flush=True)


def post(kind, url, token, key, receiver, agent="0"):
    lock = crypto(kind, token, key, receiver)
    account = receiver if kind == "wecom" else "gh_0123456789ab"
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        user, number, text = line.rstrip("\n").split(" ", 2)
        now, nonce = str(int(time.time())), str(time.monotonic_ns())
        message = (
            f"<xml><ToUserName><![CDATA[{account}]]></ToUserName>"
            f"<FromUserName><![CDATA[{user}]]></FromUserName><CreateTime>{now}</CreateTime>"
            f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>"
            f"<MsgId>{number}</MsgId><AgentID>{agent}</AgentID></xml>"
        )
        sealed = lock.encrypt_message(message, nonce, now)
        signature = ElementTree.fromstring(sealed).findtext("MsgSignature")
        query = {"msg_signature": signature, "timestamp": now, "nonce": nonce}
        answer = requests.post(url, params=query, data=sealed.encode(), timeout=10)
        said = answer.text
        if said not in ("", "success"):
            tree = ElementTree.fromstring(said)
            opened = lock.decrypt_message(
                said,
                tree.findtext("MsgSignature"),
                tree.findtext("TimeStamp"),
                tree.findtext("Nonce"),
            )
            said = ElementTree.fromstring(opened).findtext("Content").replace("\n", " / ")
        print(f"answered {answer.status_code} {said}", flush=True)


if __name__ == "__main__":
    {"receive": receive, "drive": drive, "post": post}[sys.argv[1]](*sys.argv[2:])

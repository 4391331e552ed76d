// Drives the fake of personal WeChat with parts of Tencent's own client (@tencent-weixin/openclaw-weixin):
// news, texts, and encrypted files both ways.
//
// Usage: check_ilink_fake.mjs FOLDER URL CDN_URL TOKEN PERSON, where FOLDER has the package below
// node_modules, and stand-ins for the three modules of its host that these parts import.

import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, baseUrl, cdnBaseUrl, token, person] = process.argv.slice(2);
const of = (part) =>
  import(
    pathToFileURL(
      path.join(folder, "node_modules/@tencent-weixin/openclaw-weixin/dist/src", part),
    ).href
  );
const api = await of("api/api.js");
const send = await of("messaging/send.js");
const { sendWeixinMediaFile } = await of("messaging/send-media.js");
const { downloadAndDecryptBuffer, downloadPlainCdnBuffer } = await of("cdn/pic-decrypt.js");

const line = { baseUrl, token };
assert.equal((await api.notifyStart(line)).ret, 0);

const news = await api.getUpdates({ ...line, get_updates_buf: "" });
assert.equal(news.ret ?? 0, 0);
const again = await api.getUpdates({ ...line, get_updates_buf: "" });
assert.deepEqual(again.msgs.map((one) => one.message_id), news.msgs.map((one) => one.message_id));
const [text, file, plain] = news.msgs;
assert.equal(text.item_list[0].text_item.text, "你好");
assert.ok(BigInt(text.message_id) > 2n ** 53n);

const media = file.item_list[0].file_item.media;
const fetched = await downloadAndDecryptBuffer(
  media.encrypt_query_param, media.aes_key, cdnBaseUrl, "file", media.full_url,
);
assert.equal(String(fetched.length), file.item_list[0].file_item.len);
assert.ok(fetched.every((byte, place) => byte === place % 251));
const image = plain.item_list[0].image_item;
assert.ok(!image.aeskey && !image.media.aes_key);
const bare = await downloadPlainCdnBuffer(
  image.media.encrypt_query_param, cdnBaseUrl, "picture", image.media.full_url,
);
assert.equal(bare.toString(), "a plain picture");

const opts = { ...line, contextToken: plain.context_token };
const sent = await send.sendMessageWeixin({ to: person, text: "a text", opts });
assert.ok(BigInt(sent.serverMessageId) > 2n ** 53n);
for (const [name, size] of [["报告.pdf", 100], ["large.bin", 1_000_000], ["picture.png", 32]]) {
  const filePath = path.join(folder, name);
  fs.writeFileSync(filePath, Buffer.alloc(size, 7));
  await sendWeixinMediaFile({ filePath, to: person, text: "", opts, cdnBaseUrl });
}

const config = await api.getConfig({ ...line, ilinkUserId: person, contextToken: opts.contextToken });
assert.ok(config.typing_ticket);
for (const status of [1, 2]) {
  const body = { ilink_user_id: person, typing_ticket: config.typing_ticket, status };
  await api.sendTyping({ ...line, body });
}
assert.equal((await api.notifyStop(line)).ret, 0);
console.log("done");

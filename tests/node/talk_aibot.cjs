// Tencent's own client of WeCom's robots: says what it hears, and uses whatever the platform offers.
//
//   node talk_aibot.cjs URL BOT_ID SECRET
'use strict';

const crypto = require('crypto');
const { WSClient } = require('@wecom/aibot-node-sdk');

const [wsUrl, botId, secret] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn: console.log, error: console.log };
const client = new WSClient({
  botId, secret, wsUrl, logger: quiet,
  heartbeatInterval: 500, reconnectInterval: 200, maxAuthFailureAttempts: 2,
});
const sha = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const failed = (what) => (error) => console.log(`${what} failed: ${error.errcode ?? error.message}`);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

client.on('authenticated', () => console.log('authenticated'));
client.on('disconnected', (reason) => console.log(`disconnected: ${reason}`));
client.on('error', (error) => console.log(`error: ${error.message}`));

client.on('message.text', async (frame) => {
  const { from, chatid, chattype, text, quote } = frame.body;
  const said = text.content;
  console.log(`heard ${JSON.stringify(said)} from ${from.userid} in ${chattype} ${chatid ?? ''}`);
  try {
    if (said.includes('stream')) {
      const id = `stream_${Date.now()}`;
      await client.replyStream(frame, id, 'one', false);
      await pause(2100);
      await client.replyStream(frame, id, 'one two', false);
      await client.replyStream(frame, id, 'one two **three**', true);
      await client.replyStream(frame, id, 'too late', true).catch(failed('stream'));
    } else if (said.includes('push')) {
      const to = chatid ?? from.userid;
      await client.sendMessage(to, { msgtype: 'markdown', markdown: { content: '**pushed**' } });
      await client.sendMessage('Nobody', { msgtype: 'markdown', markdown: { content: 'x' } })
        .catch(failed('push'));
    } else if (said.includes('card')) {
      await client.replyTemplateCard(frame, {
        card_type: 'button_interaction',
        main_title: { title: 'Really?' },
        button_list: [{ text: 'Yes', style: 1, key: 'yes' }, { text: 'No', style: 2, key: 'no' }],
        task_id: 'task-1',
      });
    } else if (said.includes('upload')) {
      const bytes = Buffer.alloc(1_100_000, 'jarvis');
      const media = await client.uploadMedia(bytes, { type: 'file', filename: '报告.bin' });
      await client.replyMedia(frame, 'file', media.media_id);
    } else {
      const about = quote ? ` about ${JSON.stringify(quote.text?.content)}` : '';
      await client.replyStream(frame, `s_${frame.body.msgid}`, `heard ${said}${about}`, true);
    }
  } catch (error) {
    failed('answer')(error);
  }
});

client.on('message.mixed', async (frame) => {
  const items = frame.body.mixed.msg_item;
  const image = items.find((item) => item.msgtype === 'image').image;
  const { buffer } = await client.downloadFile(image.url, image.aeskey);
  await client.replyStream(frame, `m_${frame.body.msgid}`, `${items.length} items, picture ${sha(buffer)}`, true);
});

client.on('message.file', async (frame) => {
  const { url, aeskey } = frame.body.file;
  const { buffer, filename } = await client.downloadFile(url, aeskey);
  await client.replyStream(frame, `f_${frame.body.msgid}`, `file ${filename} ${buffer.length} ${sha(buffer)}`, true);
});

client.on('event.enter_chat', (frame) => {
  client.replyWelcome(frame, { msgtype: 'text', text: { content: 'welcome' } }).catch(failed('welcome'));
});

client.on('event.template_card_event', (frame) => {
  const inner = frame.body.event.template_card_event;
  console.log(`pressed ${inner.event_key} of ${inner.task_id}`);
  client.updateTemplateCard(frame, {
    card_type: 'button_interaction',
    main_title: { title: `You chose ${inner.event_key}` },
    button_list: [{ text: 'done', style: 4, key: inner.event_key }],
    task_id: inner.task_id,
  }).catch(failed('update'));
});

client.connect();

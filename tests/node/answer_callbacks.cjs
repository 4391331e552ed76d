// A robot that WeCom calls, on Tencent's own signatures and encryption.
//
//   node answer_callbacks.cjs PORT TOKEN ENCODING_AES_KEY
'use strict';

const http = require('http');
const { decrypt, encrypt, getSignature } = require('@wecom/crypto');

const [port, token, key] = process.argv.slice(2);
const polls = new Map();

function sealed(answer) {
  const timestamp = Math.floor(Date.now() / 1000);
  const nonce = String(Math.random()).slice(2);
  const encrypted = encrypt(key, JSON.stringify(answer), '');
  return JSON.stringify({
    encrypt: encrypted,
    msgsignature: getSignature(token, timestamp, nonce, encrypted),
    timestamp,
    nonce,
  });
}

async function answer(body) {
  if (body.msgtype === 'stream') {
    const { id } = body.stream;
    const { count, said } = polls.get(id);
    polls.set(id, { count: count + 1, said });
    const finish = count >= 2;
    return { msgtype: 'stream', stream: { id, finish, content: finish ? `done ${said}` : `working ${count}` } };
  }
  if (body.msgtype === 'event') {
    console.log(`event ${body.event.eventtype}`);
    if (body.event.eventtype === 'enter_chat') {
      return { msgtype: 'text', text: { content: 'welcome' } };
    }
    return null;
  }
  console.log(`heard ${body.text.content} from ${body.from.userid}`);
  const post = await fetch(body.response_url, {
    method: 'POST',
    body: JSON.stringify({ msgtype: 'markdown', markdown: { content: `also ${body.text.content}` } }),
  });
  console.log(`response_url: ${await post.text()}`);
  const again = await fetch(body.response_url, {
    method: 'POST',
    body: JSON.stringify({ msgtype: 'markdown', markdown: { content: 'twice' } }),
  });
  console.log(`response_url again: ${await again.text()}`);
  const id = `stream-${body.msgid}`;
  polls.set(id, { count: 1, said: body.text.content });
  return { msgtype: 'stream', stream: { id, finish: false, content: 'working' } };
}

http.createServer((request, response) => {
  const { searchParams } = new URL(request.url, 'http://localhost');
  const [signature, timestamp, nonce] = ['msg_signature', 'timestamp', 'nonce'].map((name) => searchParams.get(name));
  const check = (encrypted) => {
    if (getSignature(token, timestamp, nonce, encrypted) !== signature) throw new Error('signature');
    const { message, id } = decrypt(key, encrypted);
    if (id !== '') throw new Error('receiver');
    return message;
  };
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      if (request.method === 'GET') {
        response.end(check(searchParams.get('echostr')));
        return;
      }
      const { encrypt: encrypted } = JSON.parse(Buffer.concat(chunks).toString());
      const said = await answer(JSON.parse(check(encrypted)));
      response.end(said ? sealed(said) : '');
    } catch (error) {
      console.log(`refused: ${error.message}`);
      response.statusCode = 403;
      response.end();
    }
  });
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));

// A real Wechaty gateway (npm wechaty-puppet-service) with the mock account that its makers test with
// (npm wechaty-puppet-mock), on loopback. A story tells it by HTTP what people do.
//
//   node wechaty_gateway.mjs PORT CONTROL_PORT TOKEN [CERTIFICATE KEY]
//
//   POST /says     {person, room, text, calls}   somebody writes; `calls`: our account is called
//   POST /sends    {person, name, base64}        somebody sends a file
//   POST /scan     {code}                        the login waits for a phone
//   POST /logout   {}
//   POST /login    {}
//   GET  /sent     [{to, text, file, size, sha256}]   what our account has sent so far
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(process.env.JARVIS_TEST_NODE_CLIENTS + '/package.json')
const { FileBox } = require('file-box')
const { types } = require('wechaty-puppet')
const { PuppetMock, mock } = require('wechaty-puppet-mock')
const { PuppetServer } = require('wechaty-puppet-service')

const [port, controlPort, token, certificate, key] = process.argv.slice(2)

class Puppet extends PuppetMock {
  // The mock keeps a box as it came. Here the bytes are fetched, as an account that sends them does.
  async messageSendFile(to, file) {
    const bytes = await file.toBuffer()
    return this._messageSend(to, FileBox.fromBase64(bytes.toString('base64'), file.name))
  }
}

const mocker = new mock.Mocker()
const puppet = new Puppet({ mocker })
const server = new PuppetServer({
  endpoint: '127.0.0.1:' + port,
  puppet,
  token,
  tls: certificate
    ? { serverCert: readFileSync(certificate, 'utf8'), serverKey: readFileSync(key, 'utf8') }
    : { disable: true },
})
await server.start()

const account = mocker.createContact({ id: 'wxid_jarvis0001', name: 'Jarvis' })
const people = new Map()
for (const name of ['Ann', '小明']) {
  people.set(name, mocker.createContact({ name, friend: true, type: types.Contact.Individual }))
}
const room = mocker.createRoom({
  id: '20001@chatroom',
  topic: '运维群',
  memberIdList: [account.id, ...[...people.values()].map(one => one.id)],
})

const sent = []
puppet.on('message', ({ messageId }) => {
  const payload = mocker.messagePayload(messageId)
  if (payload.talkerId !== account.id) return
  const box = mocker.cacheFileBoxPayload.get(messageId)
  const bytes = box && Buffer.from(box.base64, 'base64')
  sent.push({
    to: payload.roomId || payload.listenerId,
    text: payload.text || '',
    file: box ? box.name : null,
    size: bytes ? bytes.length : 0,
    sha256: bytes ? createHash('sha256').update(bytes).digest('hex') : null,
  })
})

function tell(payload) {
  const whole = { id: randomUUID(), timestamp: Date.now(), ...payload }
  if (whole.box) mocker.cacheFileBoxPayload.set(whole.id, whole.box.toJSON())
  delete whole.box
  mocker.MessageMock.create(whole)
  puppet.emit('message', { messageId: whole.id })
  return whole.id
}

const controls = {
  '/says': ({ person, room: inRoom, text, calls }) => tell({
    talkerId: people.get(person).id,
    text: calls ? `@Jarvis\u2005${text}` : text,
    type: types.Message.Text,
    ...(inRoom
      ? { roomId: room.id, mentionIdList: calls ? [account.id] : [] }
      : { listenerId: account.id }),
  }),
  '/sends': ({ person, name, base64 }) => tell({
    talkerId: people.get(person).id,
    listenerId: account.id,
    type: types.Message.Attachment,
    filename: name,
    box: FileBox.fromBase64(base64, name),
  }),
  '/scan': ({ code }) => mocker.scan(code, types.ScanStatus.Waiting),
  '/login': () => mocker.login(account),
  '/logout': () => puppet.logout('by the story'),
}

http.createServer(async (request, response) => {
  try {
    if (request.url === '/sent') return response.end(JSON.stringify({ room: room.id, people:
      Object.fromEntries([...people].map(([name, one]) => [name, one.id])), sent }))
    let body = ''
    for await (const piece of request) body += piece
    const done = await controls[request.url](JSON.parse(body || '{}'))
    response.end(JSON.stringify({ done: done ?? null }))
  } catch (error) {
    response.statusCode = 500
    response.end(String(error.stack))
  }
}).listen(Number(controlPort), '127.0.0.1', () => console.log('the gateway is up'))

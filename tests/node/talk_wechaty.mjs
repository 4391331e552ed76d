// A client of a Wechaty gateway as its makers wrote it (npm wechaty-puppet-service): says what it hears.
//
//   node talk_wechaty.mjs HOST:PORT TOKEN [CERTIFICATE]
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(process.env.JARVIS_TEST_NODE_CLIENTS + '/package.json')
const { FileBox } = require('file-box')
const { types } = require('wechaty-puppet')
const { PuppetService } = require('wechaty-puppet-service')

const [endpoint, token, certificate] = process.argv.slice(2)
const puppet = new PuppetService({
  endpoint,
  token,
  tls: certificate ? { caCert: readFileSync(certificate, 'utf8') } : { disable: true },
})

puppet.on('login', ({ contactId }) => console.log('logged in as', contactId))
puppet.on('scan', ({ status, qrcode }) => console.log('scan', status, qrcode))
puppet.on('logout', () => console.log('logged out'))
puppet.on('dong', ({ data }) => console.log('dong', data))
puppet.on('error', error => console.log('error', JSON.stringify(error)))
puppet.on('room-leave', ({ removeeIdList, roomId }) => console.log('left', roomId, removeeIdList.join()))

puppet.on('message', async ({ messageId }) => {
  try {
    const message = await puppet.messagePayload(messageId)
    if (message.talkerId === puppet.currentUserId) return console.log('own', messageId)
    const talker = await puppet.contactPayload(message.talkerId)
    const to = message.roomId || message.talkerId
    if (message.type === types.Message.Text) {
      const room = message.roomId ? (await puppet.roomPayload(message.roomId)).topic : 'private'
      const member = message.roomId
        ? (await puppet.roomMemberPayload(message.roomId, message.talkerId)).name
        : talker.name
      const calls = message.mentionIdList.includes(puppet.currentUserId)
      const age = Math.abs(Date.now() - message.timestamp) < 60_000 ? 'now' : message.timestamp
      const text = `heard ${JSON.stringify(message.text)} of ${member} in ${room}, calls me: ${calls}, ${age}`
      const id = message.roomId
        ? await puppet.messageSendText(to, `@${member}\u2005${text}`, [message.talkerId])
        : await puppet.messageSendText(to, text)
      if (id && message.text === 'take it back') {
        console.log('recalled', await puppet.messageRecall(id))
      }
      return
    }
    if (message.type === types.Message.Recalled) return console.log('taken back:', message.text)
    const file = await puppet.messageFile(messageId)
    const bytes = await file.toBuffer()
    const hash = createHash('sha256').update(bytes).digest('hex')
    await puppet.messageSendText(to, `type ${message.type} ${message.filename} ${bytes.length} ${hash}`)
    const back = FileBox.fromBase64(bytes.toString('base64'), 'back-' + message.filename)
    await puppet.messageSendFile(to, back)
  } catch (error) {
    console.log('failed:', error.message)
  }
})

await puppet.start()
console.log('started')
puppet.ding('hello')

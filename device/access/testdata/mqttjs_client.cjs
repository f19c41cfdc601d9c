// mqtt.js against a device, over TCP and WebSocket.
const mqtt = require(process.env.MQTTJS)

const [url, username, password] = process.argv.slice(2)

function connect(clientId) {
  return mqtt.connectAsync(url, { username, password, clientId, protocolVersion: 4, reconnectPeriod: 0 })
}

async function main() {
  const sub = await connect(`js-sub-${url.slice(0, 2)}`)
  const got = []
  let arrived
  sub.on('message', (topic, payload) => {
    got.push(`${topic}=${payload}`)
    if (arrived) arrived()
  })
  const granted = await sub.subscribeAsync('a/+/t', { qos: 1 })
  if (granted[0].qos !== 1) throw new Error(`granted ${granted[0].qos}`)
  await sub.subscribeAsync('secret/x', { qos: 1 }).then(
    (g) => { if (g[0].qos !== 128) throw new Error('a secret was granted') },
    () => {}, // mqtt.js 5 rejects
  )
  const pub = await connect(`js-pub-${url.slice(0, 2)}`)
  for (let n = 0; n < 50; n++) await pub.publishAsync(`a/${n}/t`, String(n), { qos: n % 3 })
  while (got.length < 50) await new Promise((resolve) => { arrived = resolve })
  for (let n = 0; n < 50; n++) if (!got.includes(`a/${n}/t=${n}`)) throw new Error(`${n} is missing in ${got}`)
  await pub.endAsync()
  await sub.endAsync()
  console.log('ok')
}

main().catch((e) => { console.error(e); process.exit(1) })

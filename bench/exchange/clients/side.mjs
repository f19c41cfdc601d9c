/** The two roles of a measurement, as ../side.go describes them, with the JavaScript SDK. */
import { createInterface } from 'node:readline';
import { connect } from 'fescue';

const [there, back] = ['bench/there', 'bench/back'];
const TOP = 0x80; // of byte 7: to be answered

const [role, size] = [process.argv[2], Number(process.argv[3])];
const answers = role === 'answer';
const out = answers ? back : there;
const made = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));

/** Message n, to be answered or not. */
function message(n, answer) {
  for (const at of [0, size - 8]) {
    made.writeUInt32LE(n >>> 0, at);
    made.writeUInt32LE(Math.floor(n / 2 ** 32), at + 4);
    if (answer) made[at + 7] |= TOP;
  }
  return made;
}

/** Verifies all of a message; tells whether it is to be answered. */
function verify(payload, n) {
  const answer = (payload[7] & TOP) !== 0;
  if (!message(n, answer).equals(payload)) throw new Error(`message ${n} is not the one that was due`);
  return answer;
}

const client = await connect();
const subscription = await client.subscribe(answers ? there : back, { policy: 'block', queue: 4096 });
console.log('ready');
if (answers) {
  let n = 0;
  for await (const { payload } of subscription) if (verify(payload, n++)) await client.publish(out, payload);
}

const received = subscription[Symbol.asyncIterator]();
let n = 0;

async function expect() {
  const { value } = await received.next();
  if (!verify(value.payload, n)) throw new Error(`message ${n} came back without its mark`);
  n++;
}

async function trips(count) {
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const begin = process.hrtime.bigint();
    await client.publish(out, message(n, true));
    await expect();
    times[i] = Number(process.hrtime.bigint() - begin);
  }
  times.sort();
  console.log(`${times[Math.floor(count / 2)]} ${times[Math.floor((count * 99) / 100)]}`);
}

async function flow(count) {
  const begin = process.hrtime.bigint();
  for (let last = n + count - 1; n < last; n++) await client.publish(out, message(n, false));
  await client.publish(out, message(n, true));
  await expect();
  console.log(String(process.hrtime.bigint() - begin));
}

for await (const line of createInterface({ input: process.stdin })) {
  const [what, count] = line.split(' ');
  await (what === 'trips' ? trips : flow)(Number(count));
}
await client.close();

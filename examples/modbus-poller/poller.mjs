/** Reads holding registers of a Modbus TCP device by the clock, and publishes what has changed. */
import { once } from 'node:events';
import { connect } from 'node:net';

const { MODBUS_HOST = 'localhost', MODBUS_PORT = '502', MODBUS_UNIT = '1' } = process.env;
const READ_HOLDING_REGISTERS = 3;
const PATIENCE = 3000; // ms

// What is read: the register, and by how much it has to be divided. The names are those of the topics.
const REGISTERS = { voltage: [0, 10], current: [1, 100], power: [2, 1] };

const last = {};
let transaction = 0;

/** Sends one request and gives its answer's registers (Modbus Application Protocol 1.1b3, 6.3). */
async function readRegisters(socket, first, count) {
  transaction = (transaction + 1) & 0xffff;
  const request = Buffer.alloc(12);
  request.writeUInt16BE(transaction, 0);
  request.writeUInt16BE(6, 4); // bytes that follow
  request.writeUInt8(Number(MODBUS_UNIT), 6);
  request.writeUInt8(READ_HOLDING_REGISTERS, 7);
  request.writeUInt16BE(first, 8);
  request.writeUInt16BE(count, 10);
  socket.write(request);
  const answer = await receive(socket);
  if (answer.readUInt16BE(0) !== transaction) throw new Error('the answer is to another request');
  if (answer.readUInt8(7) & 0x80) throw new Error(`the device refuses: exception ${answer.readUInt8(8)}`);
  if (answer.length !== 9 + 2 * count) throw new Error(`${answer.length} bytes instead of ${9 + 2 * count}`);
  return Array.from({ length: count }, (_, i) => answer.readUInt16BE(9 + 2 * i));
}

/** Waits for an answer: its header tells how long it is. */
async function receive(socket) {
  let answer = Buffer.alloc(0);
  for await (const part of socket) {
    answer = Buffer.concat([answer, part]);
    if (answer.length >= 9 && answer.length >= 6 + answer.readUInt16BE(4)) return answer;
  }
  throw new Error('the device closed the connection');
}

export async function poll(event, context) {
  const socket = connect(Number(MODBUS_PORT), MODBUS_HOST);
  socket.setNoDelay(true);
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error('the device does not answer')));
  try {
    await once(socket, 'connect');
    const registers = await readRegisters(socket, 0, Object.keys(REGISTERS).length);
    for (const [name, [register, divisor]] of Object.entries(REGISTERS)) {
      const value = registers[register] / divisor;
      if (last[name] === value) continue;
      last[name] = value;
      await context.publish(`meter/${name}`, { value, time: event.time });
    }
  } finally {
    socket.destroy();
  }
}

console.log('loading handlers');

export const echo = (event) => event;
export const kind = (event) => [
  Buffer.isBuffer(event) ? 'bytes' : event === null ? 'null' : typeof event,
  Buffer.isBuffer(event) ? event.toString('latin1') : event,
];
export const raw = (event, context) => context.payload;
export const nothing = () => {};
export const fail = (event) => {
  console.log('before the failure');
  throw new RangeError(`bad ${event}`);
};
export const failLater = async (event) => {
  await null;
  throw new RangeError(`bad ${event}`);
};
export const caused = () => {
  throw new Error('outer', { cause: new TypeError('inner') });
};
export const throwText = () => {
  throw 'only text';
};
export const unsendable = () => () => {};
export const circular = () => {
  const a = {};
  a.a = a;
  return a;
};
export const huge = (event) => Buffer.alloc(event, 'x');
export const about = (event, context) => ({
  attributes: context.attributes,
  topic: context.topic,
  id: context.id,
  source: context.source,
  type: context.type,
  time: context.time,
  aws: context.awsRequestId,
  name: context.functionName,
  version: context.functionVersion,
  device: context.device,
  left: context.getRemainingTimeInMillis(),
});
export const publish = async (event, context) => {
  for (let n = 0; n < 3; n++) await context.publish(event, { n });
  context.log('warning', 'three published');
};
export const sleep = (event) => new Promise((resolve) => setTimeout(resolve, event, 'slept'));
export const untilCancelled = (event, { signal }) =>
  new Promise((resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
export const callback = (event, context, done) => {
  setTimeout(() => (event === 'bad' ? done(new Error('told')) : done(null, { event })), 1);
};
export const uncaught = () => {
  setTimeout(() => {
    throw new Error('nobody catches this');
  }, 1);
  return new Promise(() => {});
};
export const unhandled = () => {
  Promise.reject(new Error('nobody handles this'));
  return new Promise(() => {});
};
export const children = async () => {
  const { execFileSync } = await import('node:child_process');
  const { readlinkSync } = await import('node:fs');
  const inherited = execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });
  return { link: readlinkSync('/proc/self/fd/3'), inherited };
};
export const invoke = (event, context) => context.invoke('other', event, { timeout: 2000 });
export const notCallable = 3;

// The function of the conformance suite (device/runtimes/runtimetest).
import { readFileSync, writeFileSync } from 'node:fs';
import 'fescue'; // the SDK can be imported

function fail(rest) {
  throw new TypeError(rest);
}

const verbs = {
  echo: (rest) => rest,
  fail,
  sleep: (rest) => new Promise((done) => setTimeout(() => done('slept'), Number(rest))),
  print: (rest) => {
    console.log('out', rest);
    console.error('err', rest);
  },
  exit: (rest) => process.exit(Number(rest)),
  read: (rest) => readFileSync(rest, 'utf8'),
  write: (rest) => writeFileSync(rest, 'x'),
  variable: (rest) => process.env[rest],
  topic: (_, context) => context.topic,
  publish: async (rest, context) => {
    await context.publish(rest, 'published');
  },
  log: (rest, context) => context.log('warning', rest),
};

export const handle = async (event, context) => {
  const at = event.indexOf(' ');
  const [verb, rest] = at < 0 ? [event, ''] : [event.slice(0, at), event.slice(at + 1)];
  if (!verbs[verb]) throw new Error(`no verb ${verb}`);
  return await verbs[verb](rest, context);
};

/**
 * The body of an HTTP request while it is on its way.
 *
 * @module
 */
import { createReadStream, existsSync } from 'node:fs';
import { Transform } from 'node:stream';

/**
 * Opens a named pipe of the agent; a file beside it says that all has come. The stream ends with an error if
 * the sender does not send all of it.
 *
 * @param {string} path
 * @returns {import('node:stream').Readable}
 */
export function openUpload(path) {
  const body = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => {
      if (existsSync(`${path}.complete`)) return done();
      done(new Error("the request's body was cut off: its sender has gone, or sent too much"));
    },
  });
  body.on('error', () => {}); // a handler that does not read is not ended by it; one that reads is told
  createReadStream(path)
    .on('error', (error) => body.destroy(error))
    .pipe(body);
  return body;
}

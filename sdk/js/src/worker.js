/**
 * Runs a function: `node worker.js`, started by the agent.
 *
 * It finds in its environment FESCUE_HANDLER, `file.export`, and FESCUE_WORKER_FD, the descriptor of
 * its link; the code directory is the current one. It says HELLO, loads the handler, says READY, and
 * then answers each INVOKE with RESULT or FAILURE, as many at a time as are sent. If the handler cannot be
 * loaded it says so with a FAILURE of id 0 and exits with status 1. GOODBYE ends it with status 0 when all is
 * answered, a closed link at once with status 1. What is printed is the application's log.
 *
 * @module
 */
import { Worker } from './serving.js';

const worker = new Worker(Number(process.env.FESCUE_WORKER_FD ?? 3));
process.on('uncaughtException', (error) => worker.crash(error)); // rejections nobody handles too
await worker.start(process.env.FESCUE_HANDLER ?? '');

// The server as a service: answers every request on poly/request with the roots on poly/roots.

import { connect } from 'fescue';
import { answer } from './answer.mjs';

const client = await connect();
console.log(`computing roots on ${client.device}`);
// `block` holds a client back rather than losing a request of one that sends faster than roots are found.
await client.subscribe('poly/request', (request) => client.publish('poly/roots', answer(request.payload)), { policy: 'block' });
await client.run();

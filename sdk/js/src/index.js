/**
 * Publish, subscribe, request and handle events on a Fescue device.
 *
 * @module
 */
export { Client, connect } from './client.js';
export { Context } from './context.js';
export { Delivery, Past } from './delivery.js';
export {
  BrokerError,
  ClientClosed,
  Conflict,
  ConnectionLost,
  FescueError,
  InvalidTopic,
  LimitExceeded,
  Malformed,
  NoResponder,
  NotKept,
  Overflow,
  PermissionDenied,
  QuotaExceeded,
  RemoteError,
  RequestTimeout,
  StorageFailed,
  TooLarge,
  Unauthenticated,
  VersionMismatch,
} from './errors.js';
export { encode, Message } from './message.js';
export { Change, KeyValue, State, Value } from './state.js';
export { Subscription } from './subscription.js';

/**
 * The errors an application can meet, each with a hint of what to do.
 *
 * @module
 */

/**
 * @typedef {object} Details
 * @property {string} [topic] the topic or filter it is about
 * @property {string} [code] the protocol's name of the error; the class's if left out
 * @property {string} [hint] a whole sentence of what to do
 */

/** Any error of this package. */
export class FescueError extends Error {
  /**
   * @param {string} text
   * @param {Details} [details]
   */
  constructor(text, { topic = '', code, hint = '' } = {}) {
    super(text);
    /** What went wrong, without the hint. */
    this.text = text;
    /** The topic or filter it is about, or "". */
    this.topic = topic;
    /** The protocol's name of the error, such as "denied"; "" if it has none. */
    this.code = code ?? new.target.code;
    this.name = new.target.name;
    /** What to do, or "". */
    this.hint = hint || new.target.hint;
    if (this.hint) this.message = `${text} (${this.hint})`;
  }

  /** The class's hint. */
  static hint = '';
  /** The class's code. */
  static code = '';
}

/** There is no link to Data Xchange now. */
export class ConnectionLost extends FescueError {
  static hint = 'Data Xchange is part of the agent: is `fescue up` or `fescue agent` running?';
}

/** The client was closed, by this program. */
export class ClientClosed extends FescueError {}

/** Something arrived that is not of the protocol; the link is given up. */
export class Malformed extends FescueError {}

/** The broker speaks no protocol version that this package speaks. */
export class VersionMismatch extends FescueError {
  static hint = 'update the fescue package, or the agent';
}

/** The broker does not know the token, or it is another application's. */
export class Unauthenticated extends FescueError {}

/** The application may not use this topic. */
export class PermissionDenied extends FescueError {
  static hint = 'name the topic in fescue.yaml under resources.publish or resources.subscribe, and deploy';
}

/** The topic or filter breaks MQTT's rules. */
export class InvalidTopic extends FescueError {
  static code = 'invalid-topic';
  static hint = "levels are parted by '/'; '+' and '#' stand alone in a level, '#' last, and only in filters";
}

/** A message over the largest size that the broker accepts. */
export class TooLarge extends FescueError {
  static code = 'too-large';
  static hint = 'send large data in parts, or by a file in FESCUE_DATA';
}

/** Too many topics, subscriptions, requests or sessions. */
export class LimitExceeded extends FescueError {
  static code = 'limit';
}

/** Nobody answers requests on the topic. */
export class NoResponder extends FescueError {
  static hint = 'is the application that answers it running?';
}

/** No answer came in time. */
export class RequestTimeout extends FescueError {
  static code = 'timeout';
}

/** Messages for a subscription were dropped, because it did not keep up. */
export class Overflow extends FescueError {
  static hint = "subscribe with a longer queue, or with policy 'block'";
}

/** The responder of a request failed. */
export class RemoteError extends FescueError {}

/** The key's revision is another one, or the place has another filter. */
export class Conflict extends FescueError {}

/** The application's store, or the kept topic, is full. */
export class QuotaExceeded extends FescueError {
  static hint = "raise limits.state or the kept topic's size in fescue.yaml, or delete what is no longer needed";
}

/** The disk did not take it; nothing was changed. */
export class StorageFailed extends FescueError {}

/** Nobody keeps the topic, so nothing of it is stored. */
export class NotKept extends FescueError {
  static hint = 'name the topic in fescue.yaml under resources.keep, and deploy';
}

/** Any other refusal by the broker. */
export class BrokerError extends FescueError {}

/** Names and classes by the codes of ERROR frames. */
const CODES = /** @type {[string, typeof FescueError][]} */ ([
  ['', BrokerError],
  ['malformed', Malformed],
  ['version', VersionMismatch],
  ['unauthenticated', Unauthenticated],
  ['denied', PermissionDenied],
  ['invalid-topic', InvalidTopic],
  ['too-large', TooLarge],
  ['unknown-id', BrokerError],
  ['id-in-use', BrokerError],
  ['limit', LimitExceeded],
  ['no-responder', NoResponder],
  ['timeout', RequestTimeout],
  ['overflow', Overflow],
  ['unsupported', BrokerError],
  ['going-away', ConnectionLost],
  ['internal', BrokerError],
  ['not-found', BrokerError],
  ['conflict', Conflict],
  ['quota', QuotaExceeded],
  ['storage', StorageFailed],
  ['not-kept', NotKept],
]);

/**
 * The error for an ERROR frame.
 *
 * @param {number} code
 * @param {string} text
 * @param {string} [topic]
 * @returns {FescueError}
 */
export function fromCode(code, text, topic = '') {
  const [name, Kind] = CODES[code] ?? [`error-${code}`, BrokerError];
  return new Kind(text || `error ${code}`, { topic, code: name });
}

// The console's way to the API: the client generated from the API's description,
// with the session's word in requests that change something.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.gen";
import { Failure, problemOf } from "./failure";

export type Schemas = components["schemas"];
export type Application = Schemas["Application"];
export type ApplicationVersion = Schemas["ApplicationVersion"];
export type DeniedInfo = Schemas["DeniedInfo"];
export type Deployment = Schemas["Deployment"];
export type Device = Schemas["Device"];
export type LogLine = Schemas["LogLine"];
export type Placement = Schemas["Placement"];
export type StoredEvent = Schemas["StoredEvent"];
export type TopicInfo = Schemas["TopicInfo"];

// credentials hold what only this page's scripts know of the session.
class Credentials {
  word = "";
  ended: () => void = () => {};

  headers(): Record<string, string> {
    return { "Fescue-CSRF": this.word };
  }
}

export const credentials = new Credentials();

const withSession: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET") request.headers.set("Fescue-CSRF", credentials.word);
    return request;
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== "/v1/session") credentials.ended();
  },
  onError() {
    return new Failure(problemOf(0, undefined));
  },
};

// Unit tests run outside a browser: there is no location, and nothing is asked.
export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "" });
api.use(withSession);

// answer gives an operation's record or throws why there is none.
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw new Failure(problemOf(response.status, error));
  return data as T;
}

interface Part<T> {
  items: T[];
  next: string;
}

// everything reads a list to its end.
export async function everything<T>(ask: (cursor: string) => Promise<{ data?: Part<T>; error?: unknown; response: Response }>) {
  const all: T[] = [];
  for (let cursor = ""; ;) {
    const part = await answer(ask(cursor));
    all.push(...part.items);
    if (!part.next) return all;
    cursor = part.next;
  }
}

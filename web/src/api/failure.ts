// What went wrong, in the API's own words (RFC 9457), or in the console's where the
// API could not be asked.
import type { components } from "./schema.gen";

export type Problem = components["schemas"]["Problem"];
export type Fault = components["schemas"]["Fault"];

export class Failure extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }

  // passing failures are worth another attempt without a person.
  get passing(): boolean {
    return this.problem.status === 0 || this.problem.status === 503 || this.problem.status === 504;
  }
}

export function problemOf(status: number, body: unknown): Problem {
  if (typeof body === "object" && body !== null && "code" in body && "detail" in body) return body as Problem;
  if (status === 0) {
    return {
      type: "",
      title: "The server does not answer",
      status,
      code: "unreachable",
      detail: "The server cannot be reached from this browser.",
      hint: "The console goes on by itself as soon as the server answers.",
    };
  }
  return {
    type: "",
    title: "An unexpected answer",
    status,
    code: "unexpected",
    detail: `The server answered with HTTP status ${status}.`,
  };
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof TypeError) return new Failure(problemOf(0, undefined)); // what fetch throws without a network
  const detail = error instanceof Error ? error.message : String(error);
  return new Failure({ type: "", title: "A fault of the console's own", status: 500, code: "internal", detail });
}

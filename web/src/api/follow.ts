// follow keeps a stream of the API open: over restarts of the server and lost
// networks, from where it was cut.
import { credentials } from "./client";
import { EventParser, type ServerEvent } from "./events";
import { Failure, failureOf, problemOf } from "./failure";

export type StreamState =
  | { kind: "connecting" }
  | { kind: "open" }
  | { kind: "waiting"; failure: Failure } // tries again by itself
  | { kind: "failed"; failure: Failure } // does not: asking again would fail again
  | { kind: "ended" };

export interface Follower {
  onEvent: (e: ServerEvent) => void;
  onState?: (s: StreamState) => void;
}

// The server writes something every 15 seconds; a stream that is silent for longer is dead.
const silence = 40_000;
const firstPause = 300;
const longestPause = 5_000;

// follow returns what ends it.
export function follow(path: string, follower: Follower): () => void {
  const end = new AbortController();
  void new Follow(path, follower, end.signal).run();
  return () => end.abort();
}

class Follow {
  private lastID = "";
  private pause = firstPause;
  private over = false;

  constructor(
    private readonly path: string,
    private readonly follower: Follower,
    private readonly signal: AbortSignal,
  ) {}

  async run() {
    this.tell({ kind: "connecting" });
    while (!this.signal.aborted && !this.over) {
      try {
        await this.once();
      } catch (error) {
        if (this.signal.aborted) return;
        this.fail(failureOf(error));
      }
      if (!this.over) await this.rest();
    }
  }

  private async once() {
    const cut = new AbortController();
    const stop = () => cut.abort();
    this.signal.addEventListener("abort", stop);
    window.addEventListener("offline", stop); // sooner than the silence tells
    let watchdog = setTimeout(stop, silence);
    try {
      const reader = await this.open(cut.signal);
      const parser = new EventParser();
      const decoder = new TextDecoder();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Failure(problemOf(0, undefined));
        clearTimeout(watchdog);
        watchdog = setTimeout(stop, silence);
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          this.take(event);
          if (this.over) return;
        }
      }
    } finally {
      clearTimeout(watchdog);
      this.signal.removeEventListener("abort", stop);
      window.removeEventListener("offline", stop);
      cut.abort();
    }
  }

  private async open(signal: AbortSignal) {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.lastID) headers["Last-Event-ID"] = this.lastID;
    const response = await fetch(this.path, { headers, signal, cache: "no-store" });
    if (!response.ok || !response.body) {
      throw new Failure(problemOf(response.status, await response.json().catch(() => undefined)));
    }
    this.pause = firstPause;
    this.tell({ kind: "open" });
    return response.body.getReader();
  }

  private take(event: ServerEvent) {
    if (event.id) this.lastID = event.id;
    if (event.event === "problem") throw new Failure(JSON.parse(event.data));
    this.follower.onEvent(event);
    if (event.event !== "end") return;
    this.over = true;
    this.tell({ kind: "ended" });
  }

  private fail(failure: Failure) {
    const { status } = failure.problem;
    if (status === 401) credentials.ended();
    this.over = status >= 400 && status < 500;
    this.tell({ kind: this.over ? "failed" : "waiting", failure });
  }

  private async rest() {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.pause * (0.75 + Math.random() / 2));
      const now = () => {
        clearTimeout(timer);
        resolve();
      };
      this.signal.addEventListener("abort", now, { once: true });
      window.addEventListener("online", now, { once: true });
    });
    this.pause = Math.min(this.pause * 2, longestPause);
  }

  private tell(state: StreamState) {
    if (!this.signal.aborted) this.follower.onState?.(state);
  }
}

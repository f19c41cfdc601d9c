// LogBuffer holds the newest lines of output for a view: in order of time, bounded,
// and handed to the page some times a second however fast they come.
import type { LogLine } from "../api/client";
import { Gathered } from "../parts/gathered";

export interface Line extends LogLine {
  device: string;
  key: number;
}

export interface LogState {
  lines: Line[];
  discarded: number; // the oldest, for which there was no room
  dropped: number; // lost on the way here
  limited?: { outputs: number; followed: number }; // of so many outputs only so many are followed
}

const capacity = 10_000;
const pause = 100;

const empty: LogState = { lines: [], discarded: 0, dropped: 0 };

export class LogBuffer extends Gathered<LogState> {
  private waiting: Line[] = [];
  private dropped = 0;
  private limited: LogState["limited"];
  private keys = 0;

  constructor() {
    super(empty, pause);
  }

  add(line: LogLine & { device: string }) {
    this.waiting.push({ ...line, key: this.keys++ });
    this.later();
  }

  drop(n: number) {
    this.dropped += n;
    this.later();
  }

  limit(limited: NonNullable<LogState["limited"]>) {
    this.limited = limited.followed < limited.outputs ? limited : undefined;
    this.later();
  }

  clear() {
    this.waiting = [];
    this.put({ ...empty, limited: this.limited });
  }

  protected taken(): LogState {
    const lines = merge(this.state.lines, this.waiting);
    const over = Math.max(0, lines.length - capacity);
    const state = {
      lines: over ? lines.slice(over) : lines,
      discarded: this.state.discarded + over,
      dropped: this.state.dropped + this.dropped,
      limited: this.limited,
    };
    this.waiting = [];
    this.dropped = 0;
    return state;
  }
}

const byTime = (a: Line, b: Line) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.key - b.key);

// merge puts lines that came into those that are there. Mostly they are all newer.
export function merge(there: Line[], came: Line[]): Line[] {
  if (came.length === 0) return there;
  came.sort(byTime);
  const last = there.at(-1);
  if (!last || last.time <= came[0]!.time) return [...there, ...came];
  return [...there, ...came].sort(byTime);
}

export interface LogFilter {
  text: string;
  level: Level;
}

export const levels = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof levels)[number];

// levelOf is a line's level; what an application writes to stderr counts as a warning.
export function levelOf(line: LogLine): Level {
  const level = line.level?.toLowerCase() ?? "";
  if (level.startsWith("err") || level === "critical" || level === "fatal") return "error";
  if (level.startsWith("warn")) return "warning";
  if (level === "debug") return "debug";
  return !level && line.stream === "stderr" ? "warning" : "info";
}

// found are the lines that fit; without a filter the very same list.
export const found = (lines: Line[], filter: LogFilter) =>
  filter.text === "" && filter.level === "debug" ? lines : lines.filter((l) => matches(l, filter));

export function matches(line: Line, filter: LogFilter): boolean {
  if (levels.indexOf(levelOf(line)) < levels.indexOf(filter.level)) return false;
  return filter.text === "" || line.text.toLowerCase().includes(filter.text.toLowerCase());
}

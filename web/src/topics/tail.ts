// Tail holds the newest messages of a topic filter, handed to the page some times a
// second; of more than it can show, it keeps some and says so.
import type { TopicInfo } from "../api/client";
import { Gathered } from "../parts/gathered";

export interface Message {
  key: number;
  time: string;
  topic: string;
  from: string;
  text: string; // of the payload, if it is text
  size: number; // bytes
}

export interface TailState {
  messages: Message[];
  seen: number; // all that came
  sampled: number; // of them, left out because they came too fast
  dropped: number; // lost on the way here
}

interface Raw {
  time: string;
  topic: string;
  from?: string;
  payload: string; // Base64
}

const capacity = 2_000;
const pause = 120;
const perPause = 200;
const decoder = new TextDecoder("utf-8", { fatal: true });
const empty: TailState = { messages: [], seen: 0, sampled: 0, dropped: 0 };

export class Tail extends Gathered<TailState> {
  private waiting: { key: number; raw: string }[] = [];
  private came = 0;
  private lost = 0;
  private keys = 0;

  constructor() {
    super(empty, pause);
  }

  // add takes a message as it came: one that will not be shown is not even read.
  add(raw: string) {
    this.came++;
    const key = this.keys++;
    if (this.waiting.length < perPause) this.waiting.push({ key, raw });
    else this.waiting[Math.floor(Math.random() * perPause)] = { key, raw };
    this.later();
  }

  drop(n: number) {
    this.lost += n;
    this.later();
  }

  clear() {
    this.waiting = [];
    this.came = 0;
    this.put(empty);
  }

  protected taken(): TailState {
    const fresh = this.waiting.sort((a, b) => a.key - b.key).map(({ key, raw }) => read(key, JSON.parse(raw)));
    const state = {
      messages: [...this.state.messages, ...fresh].slice(-capacity),
      seen: this.state.seen + this.came,
      sampled: this.state.sampled + this.came - fresh.length,
      dropped: this.state.dropped + this.lost,
    };
    this.waiting = [];
    this.came = this.lost = 0;
    return state;
  }
}

function read(key: number, { time, topic, from, payload }: Raw): Message {
  const bytes = bytesOf(payload);
  return { key, time, topic, from: from ?? "", text: textOf(bytes), size: bytes.length };
}

// remembered is what the device knows of the message published last: of a large one its beginning.
export function remembered(t: TopicInfo): Message | undefined {
  if (!t.lastAt) return undefined;
  const bytes = bytesOf(t.last);
  const size = t.lastSize ?? bytes.length;
  const text = textOf(bytes) + (size > bytes.length ? " …" : "");
  return { key: -1, time: t.lastAt, topic: t.topic, from: "", text, size };
}

const bytesOf = (base64?: string) => Uint8Array.from(atob(base64 ?? ""), (c) => c.charCodeAt(0));

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return (
      Array.from(bytes.subarray(0, 256), (b) => b.toString(16).padStart(2, "0")).join(" ") + (bytes.length > 256 ? " …" : "")
    );
  }
}

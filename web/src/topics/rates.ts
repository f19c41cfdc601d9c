// Rates of topics, from their counts of messages at several moments.
import type { TopicInfo } from "../api/client";

export interface TopicRate extends TopicInfo {
  rate: number; // messages a second, now
  history: number[]; // the same, over the last minutes, oldest first
}

const kept = 60;

interface Known {
  messages: number;
  at: number;
  history: number[];
}

// RateBook remembers counts. An agent that was started again counts from zero: what it
// has counted since is the difference then.
export class RateBook {
  private known = new Map<string, Known>();

  note(topics: TopicInfo[], at: number): TopicRate[] {
    const rates = topics.map((t) => this.rateOf(t, at));
    const there = new Set(topics.map((t) => t.topic));
    for (const topic of this.known.keys()) if (!there.has(topic)) this.known.delete(topic);
    return rates;
  }

  private rateOf(t: TopicInfo, at: number): TopicRate {
    const before = this.known.get(t.topic);
    if (!before) {
      this.known.set(t.topic, { messages: t.messages, at, history: [] });
      return { ...t, rate: 0, history: [] };
    }
    if (at > before.at) {
      const came = t.messages >= before.messages ? t.messages - before.messages : t.messages;
      const history = [...before.history, (came * 1000) / (at - before.at)].slice(-kept);
      this.known.set(t.topic, { messages: t.messages, at, history });
      return { ...t, rate: history.at(-1)!, history };
    }
    return { ...t, rate: before.history.at(-1) ?? 0, history: before.history };
  }
}

// total adds histories up, the newest values together.
export function total(topics: TopicRate[]): number[] {
  const length = Math.max(0, ...topics.map((t) => t.history.length));
  const sum = new Array<number>(length).fill(0);
  for (const { history } of topics) history.forEach((n, i) => (sum[length - history.length + i]! += n));
  return sum;
}

// The graph of who talks to whom on a device: applications, topics and outside clients;
// what is granted and not used, and what is published and heard by nobody.
import { matchesFilter } from "../applications/grants";
import type { TopicRate } from "../topics/rates";
import type { Placed } from "../topics/usePlaced";

export interface Node {
  id: string;
  kind: "application" | "topic" | "outside";
  name: string;
  note: string; // what is to be said of it, "" if nothing
  state: string; // of an application
  rate: number; // of a topic
}

export interface Edge {
  id: string;
  from: string;
  to: string;
  rate: number;
  used: boolean; // false: granted only
}

export interface Graph {
  nodes: Node[];
  edges: Edge[];
}

export const mostTopics = 150;

// publishers are, by topic, who was seen to publish on it.
export function graphOf(placed: Placed[], topics: TopicRate[], publishers: Map<string, Set<string>>): Graph {
  const nodes = new Map<string, Node>();
  const edges = new Map<string, Edge>();
  const add = (n: Node) => nodes.get(n.id) ?? (nodes.set(n.id, n), n);
  const connect = (from: string, to: string, rate: number, used: boolean) => {
    const id = `${from} → ${to}`;
    const there = edges.get(id);
    if (!there || (used && !there.used)) edges.set(id, { id, from, to, rate, used });
  };
  for (const p of placed) add({ id: appID(p.name), kind: "application", name: p.name, note: "", state: p.state, rate: 0 });
  const busiest = [...topics].sort((a, b) => b.rate - a.rate || b.messages - a.messages).slice(0, mostTopics);
  for (const t of busiest) {
    add({ id: topicID(t.topic), kind: "topic", name: t.topic, note: noteOf(t), state: "", rate: t.rate });
    published(t, placed, publishers.get(t.topic) ?? new Set(), add, connect);
    subscribed(t, placed, connect);
  }
  granted(placed, busiest, add, connect);
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

const appID = (name: string) => `app:${name}`;
const topicID = (topic: string) => `topic:${topic}`;

function noteOf(t: TopicRate): string {
  if (t.subscribers === 0 && t.messages > 0) return "nobody hears it";
  if (t.publishers === 0 && t.messages === 0) return "nothing published yet";
  return "";
}

type Add = (n: Node) => Node;
type Connect = (from: string, to: string, rate: number, used: boolean) => void;

function published(t: TopicRate, placed: Placed[], seen: Set<string>, add: Add, connect: Connect) {
  const may = placed.filter((p) => p.grants.publish.some((f) => matchesFilter(f, t.topic)));
  for (const p of may) {
    // With one application that may, and messages, it is who does: its messages need not have been seen.
    const does = seen.has(p.name) || (seen.size === 0 && may.length === 1 && t.messages > 0);
    connect(appID(p.name), topicID(t.topic), does ? t.rate / Math.max(seen.size, 1) : 0, does);
  }
  for (const name of seen) {
    if (placed.some((p) => p.name === name)) continue;
    const outside = add({ id: `outside:${name}`, kind: "outside", name, note: "", state: "", rate: 0 });
    connect(outside.id, topicID(t.topic), t.rate / seen.size, true);
  }
}

function subscribed(t: TopicRate, placed: Placed[], connect: Connect) {
  for (const p of placed) {
    if (p.grants.subscribe.some((f) => matchesFilter(f, t.topic)))
      connect(topicID(t.topic), appID(p.name), t.rate, t.subscribers > 0);
  }
}

// granted adds permissions that fit no topic in use.
function granted(placed: Placed[], topics: TopicRate[], add: Add, connect: Connect) {
  for (const p of placed) {
    for (const of of ["publish", "subscribe"] as const) {
      for (const filter of p.grants[of]) {
        if (topics.some((t) => matchesFilter(filter, t.topic))) continue;
        const topic = add({ id: topicID(filter), kind: "topic", name: filter, note: "granted, not used", state: "", rate: 0 });
        if (of === "publish") connect(appID(p.name), topic.id, 0, false);
        else connect(topic.id, appID(p.name), 0, false);
      }
    }
  }
}

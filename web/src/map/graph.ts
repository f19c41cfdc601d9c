// The graph of who talks to whom on a device: applications, topics, triggers and outside clients;
// what is granted and not used, and what is published and heard by nobody.
import { matchesFilter } from "../applications/grants";
import type { TopicRate } from "../topics/rates";
import type { Placed } from "../topics/usePlaced";

export interface Node {
  id: string;
  kind: "application" | "topic" | "trigger" | "outside";
  name: string;
  note: string; // what is to be said of it, "" if nothing
  state: string; // of an application
  rate: number; // messages a second on a topic
  of?: number; // how many it stands for, if it stands for several
}

export interface Edge {
  id: string;
  from: string;
  to: string;
  rate: number; // messages a second
  shared: boolean; // several publish: which of them how much is not known
  used: boolean; // false: granted only
}

export interface Graph {
  nodes: Node[];
  edges: Edge[];
}

// What a device calls those that are no applications.
const outside: Record<string, string> = { "@nats": "MQTT and NATS clients", "@agent": "Console, command line" };

export function graphOf(placed: Placed[], topics: TopicRate[]): Graph {
  const g = new Builder();
  for (const p of placed) {
    g.node({ id: appID(p.name), kind: "application", name: p.name, state: p.state });
    for (const cause of p.causes) {
      const id = g.node({ id: `trigger:${p.name}:${cause}`, kind: "trigger", name: cause });
      g.edge(id, appID(p.name), { used: true });
    }
  }
  const real = topics.filter((t) => !/[+#]/.test(t.topic) && !t.topic.startsWith("$"));
  for (const t of real) {
    g.node({ id: topicID(t.topic), kind: "topic", name: t.topic, note: noteOf(t, placed), rate: t.rate });
    published(g, t, placed);
    subscribed(g, t, placed);
  }
  granted(g, placed, real);
  return g.graph();
}

class Builder {
  private nodes = new Map<string, Node>();
  private edges = new Map<string, Edge>();

  node(n: Pick<Node, "id" | "kind" | "name"> & Partial<Node>): string {
    if (!this.nodes.has(n.id)) this.nodes.set(n.id, { note: "", state: "", rate: 0, ...n });
    return n.id;
  }

  edge(from: string, to: string, flow: { rate?: number; shared?: boolean; used: boolean }) {
    const id = `${from} → ${to}`;
    const there = this.edges.get(id);
    if (!there || (flow.used && !there.used)) this.edges.set(id, { id, from, to, rate: 0, shared: false, ...flow });
  }

  graph = (): Graph => ({ nodes: [...this.nodes.values()], edges: [...this.edges.values()] });
}

const appID = (name: string) => `app:${name}`;
const topicID = (topic: string) => `topic:${topic}`;

// Who only looks on, from the console or the command line, is not who a message is for.
const hearers = (t: TopicRate) => (t.subscribedBy ?? []).filter((name) => name !== "@agent");

function noteOf(t: TopicRate, placed: Placed[]): string {
  if (t.messages > 0) return hearers(t).length === 0 ? "nobody hears it" : "";
  const granted = placed.some((p) => p.grants.publish.some((f) => matchesFilter(f, t.topic)));
  return granted && hearers(t).length === 0 ? "granted, not used" : "nothing published yet";
}

function published(g: Builder, t: TopicRate, placed: Placed[]) {
  const by = new Set(t.publishedBy ?? []);
  const flow = { rate: by.size === 1 ? t.rate : 0, shared: by.size > 1 && t.rate > 0, used: t.messages > 0 };
  for (const p of placed) {
    if (by.has(p.name)) g.edge(appID(p.name), topicID(t.topic), flow);
    else if (p.grants.publish.some((f) => matchesFilter(f, t.topic))) g.edge(appID(p.name), topicID(t.topic), { used: false });
  }
  for (const name of by) if (outside[name]) g.edge(outsider(g, name), topicID(t.topic), flow);
}

function subscribed(g: Builder, t: TopicRate, placed: Placed[]) {
  const by = new Set(hearers(t));
  const flow = { rate: t.rate, used: true };
  for (const p of placed) {
    if (by.has(p.name)) g.edge(topicID(t.topic), appID(p.name), flow);
    else if (p.grants.subscribe.some((f) => matchesFilter(f, t.topic))) g.edge(topicID(t.topic), appID(p.name), { used: false });
  }
  for (const name of by) if (outside[name]) g.edge(topicID(t.topic), outsider(g, name), flow);
}

const outsider = (g: Builder, name: string) => g.node({ id: `outside:${name}`, kind: "outside", name: outside[name]! });

// granted adds permissions that fit no topic in use.
function granted(g: Builder, placed: Placed[], topics: TopicRate[]) {
  for (const p of placed) {
    for (const of of ["publish", "subscribe"] as const) {
      for (const filter of p.grants[of]) {
        if (filter.startsWith("$") || topics.some((t) => matchesFilter(filter, t.topic))) continue;
        const topic = g.node({ id: topicID(filter), kind: "topic", name: filter, note: "granted, not used" });
        if (of === "publish") g.edge(appID(p.name), topic, { used: false });
        else g.edge(topic, appID(p.name), { used: false });
      }
    }
  }
}

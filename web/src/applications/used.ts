// Which topics an application uses on a device, and which it only may.
import type { ApplicationVersion } from "../api/client";
import type { TopicRate } from "../topics/rates";
import { grantsOf, matchesFilter } from "./grants";

export interface Used {
  topic: string; // or the filter that is granted, if nothing in use matches it
  does: "publishes" | "hears";
  messages: number; // on the topic, since the agent started
  rate: number; // messages a second
  history: number[];
  note: string;
}

export function usedBy(version: ApplicationVersion, topics: TopicRate[]): Used[] {
  const grants = grantsOf(version.configuration);
  const real = topics.filter((t) => !/[+#]/.test(t.topic));
  const list = (of: "publish" | "subscribe"): Used[] =>
    grants[of].flatMap((filter): Used[] => {
      const does = of === "publish" ? "publishes" : "hears";
      const found = real.filter((t) => matchesFilter(filter, t.topic));
      if (found.length === 0) return [{ topic: filter, does, messages: 0, rate: 0, history: [], note: "granted, not used" }];
      return found.map((t) => ({ topic: t.topic, does, ...counts(t), note: noteOf(t, of, version.name) }));
    });
  const all = [...list("publish"), ...list("subscribe")];
  return all.filter((u, i) => all.findIndex((o) => o.topic === u.topic && o.does === u.does) === i);
}

const counts = (t: TopicRate) => ({ messages: t.messages, rate: t.rate, history: t.history });

function noteOf(t: TopicRate, of: "publish" | "subscribe", name: string): string {
  const by = (of === "publish" ? t.publishedBy : t.subscribedBy) ?? [];
  if (!by.includes(name)) return "granted, not used";
  if (of === "publish" && !(t.subscribedBy ?? []).some((s) => s !== "@agent")) return "nobody hears it";
  return t.messages === 0 ? "nothing published yet" : "";
}

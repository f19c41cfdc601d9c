// The topics that a configuration grants: what stands under resources, and what
// triggers name.
import type { Schemas } from "../api/client";

export function grantsOf(c: Schemas["Configuration"]): { subscribe: string[]; publish: string[] } {
  const subscribe = new Set(c.resources.subscribe ?? []);
  const publish = new Set(c.resources.publish ?? []);
  for (const t of c.triggers ?? []) {
    if (t.topic) subscribe.add(t.topic);
    if (t.reply) publish.add(t.reply);
  }
  return { subscribe: [...subscribe], publish: [...publish] };
}

// matchesFilter tells whether an MQTT topic filter takes in a topic.
export function matchesFilter(filter: string, topic: string): boolean {
  const [f, t] = [filter.split("/"), topic.split("/")];
  if (topic.startsWith("$") && (f[0] === "+" || f[0] === "#")) return false;
  for (let i = 0; i < f.length; i++) {
    if (f[i] === "#") return true;
    if (i >= t.length || (f[i] !== "+" && f[i] !== t[i])) return false;
  }
  return f.length === t.length;
}

// triggerWords tells of a trigger in one line: its cause, where its answer goes, and
// what else is set.
export function triggerWords(trigger: object): string {
  const { topic, http, schedule, hook, reply, ...rest } = trigger as Record<string, unknown>;
  const cause = [topic, http, schedule, hook && `${hook} of the application`].find(Boolean);
  const more = Object.entries(rest)
    .filter(([, v]) => ["string", "number"].includes(typeof v) || v === true)
    .map(([k, v]) => (v === true ? k : `${k} ${v}`));
  return [String(cause ?? ""), reply ? ` → ${reply}` : "", more.length ? ` (${more.join(", ")})` : ""].join("");
}

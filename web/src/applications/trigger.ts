// causeOf is what has it called, if that is no topic: a request, a time, a hook.
export function causeOf({ http, schedule, hook }: { http?: string; schedule?: string; hook?: string }): string | undefined {
  return http || schedule || (hook && `${hook} of the application`) || undefined;
}

// triggerWords tells of a trigger in one line: its cause, where its answer goes, and
// what else is set.
export function triggerWords(trigger: object): string {
  const { topic, http, schedule, hook, reply, ...rest } = trigger as Record<string, unknown>;
  const cause = topic || causeOf({ http, schedule, hook } as Parameters<typeof causeOf>[0]);
  const more = Object.entries(rest)
    .filter(([, v]) => ["string", "number"].includes(typeof v) || v === true)
    .map(([k, v]) => (v === true ? k : `${k} ${v}`));
  return [String(cause ?? ""), reply ? ` → ${reply}` : "", more.length ? ` (${more.join(", ")})` : ""].join("");
}

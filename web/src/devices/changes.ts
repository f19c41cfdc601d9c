// changesOf is what makes labels those that are written as "name" or "name=value": null removes one.
export function changesOf(before: Record<string, string>, wanted: string[]): Record<string, string | null> {
  const after = new Map(
    wanted.map((text) => {
      const at = text.indexOf("=");
      return at < 0 ? [text.trim(), ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    }),
  );
  const changes: Record<string, string | null> = {};
  for (const name of Object.keys(before)) if (!after.has(name)) changes[name] = null;
  for (const [name, value] of after) if (before[name] !== value) changes[name] = value;
  return changes;
}

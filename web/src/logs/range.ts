// Range is the time of which lines are shown: live, from a time on, or between two.
export interface Range {
  from: string; // RFC 3339; "": the last lines
  to: string; // "": and those to come
}

export const choices = [
  { value: "", label: "live" },
  { value: "15m", label: "last 15 minutes" },
  { value: "1h", label: "last hour" },
  { value: "24h", label: "last 24 hours" },
  { value: "between", label: "between two times" },
];

const lengths: Record<string, number> = { "15m": 900, "1h": 3_600, "24h": 86_400 };

// rangeOf reads a choice; from and to are those of "between", as a field has them.
export function rangeOf(choice: string, from: string, to: string, now: Date): Range {
  const length = lengths[choice];
  if (length) return { from: new Date(now.getTime() - length * 1000).toISOString(), to: "" };
  if (choice !== "between") return { from: "", to: "" };
  return { from: moment(from), to: moment(to) };
}

// moment is a field's local time in the server's words; "" if it is none.
function moment(local: string): string {
  const t = new Date(local);
  return local === "" || Number.isNaN(t.getTime()) ? "" : t.toISOString();
}

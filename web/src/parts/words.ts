// Numbers, sizes and times as people read them, in the reader's zone.

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

// ago says how long something is past: "just now", "5 minutes ago".
export function ago(then: Date, now: Date): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export const atTime = (then: Date) => absolute.format(then);

const two = (n: number) => String(n).padStart(2, "0");

// clock is the time of day with milliseconds, for lines of output.
export function clock(then: Date): string {
  const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}`;
  return `${time}.${String(then.getMilliseconds()).padStart(3, "0")}`;
}

// bytes is an amount in the units of the configuration: 64 MiB.
export function bytes(n: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < names.length - 1; i++) n /= 1024;
  return `${n >= 100 || Number.isInteger(n) ? Math.round(n) : n.toFixed(1)} ${names[i]}`;
}

// span is a duration: 85 ms, 3.2 s, 4 min 10 s.
export function span(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const plain = new Intl.NumberFormat("en");

// listed is a few names, or of more how many they are.
export const listed = (names: string[], what: string) => (names.length > 3 ? count(names.length, what) : names.join(", "));

// count is a number with its noun: "1 device", "1,200 devices".
export const count = (n: number, noun: string, nouns = noun + "s") => `${plain.format(n)} ${n === 1 ? noun : nouns}`;

export const number = (n: number) => plain.format(n);

// rate is a number per second: 0.05/s, 0.4/s, 1,200/s.
export const rate = (n: number) =>
  `${n === 0 ? "0" : n < 0.1 ? n.toFixed(2) : n < 10 ? n.toFixed(1) : plain.format(Math.round(n))}/s`;

// percent is a share: 0.034 is 3.4 %, 0.34 is 34 %.
export function percent(share: number): string {
  const n = share * 100;
  return `${n >= 10 || Number.isInteger(n) ? Math.round(n) : n.toFixed(1)} %`;
}

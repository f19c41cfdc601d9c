// What plots show: lines over the same times, with holes where nothing was told.

export interface Line {
  name: string;
  values: (number | null)[];
  tone: "good" | "bad" | "busy" | "warn" | "idle";
  filled?: boolean;
}

export interface Point {
  time: string;
}

export interface Shape<P> {
  name: string;
  tone: Line["tone"];
  filled?: boolean;
  value: (p: P) => number | null | undefined;
}

// An idle device tells of itself once a minute: shorter silences are no holes.
const silence = 150;

// seriesOf makes lines of points; step is in seconds.
export function seriesOf<P extends Point>(points: P[], step: number, shapes: Shape<P>[]): { times: number[]; lines: Line[] } {
  const times: number[] = [];
  const lines = shapes.map(({ name, tone, filled }): Line => ({ name, tone, filled, values: [] }));
  for (const p of points) {
    const at = Date.parse(p.time) / 1000;
    const before = times.at(-1);
    if (before !== undefined && at - before > Math.max(2.5 * step, silence)) {
      times.push(before + step);
      for (const line of lines) line.values.push(null);
    }
    times.push(at);
    lines.forEach((line, i) => line.values.push(shapes[i]!.value(p) ?? null));
  }
  return { times, lines };
}

export interface Span {
  value: string;
  label: string;
  seconds: number;
  step: string;
}

// How far back one may look, and how finely it is drawn: some 300 points each.
export const spans: Span[] = [
  { value: "1h", label: "1 h", seconds: 3_600, step: "10s" },
  { value: "6h", label: "6 h", seconds: 21_600, step: "1m" },
  { value: "24h", label: "24 h", seconds: 86_400, step: "5m" },
  { value: "7d", label: "7 days", seconds: 604_800, step: "30m" },
  { value: "30d", label: "30 days", seconds: 2_592_000, step: "2h" },
];

export const spanOf = (value: string | null): Span => spans.find((s) => s.value === value) ?? spans[0]!;

// Plot is a card with lines over time, and in words what they show: now, or where the
// reader points at.
import { Skeleton, Text } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { atTime } from "../parts/words";
import type { Line } from "./series";

const Canvas = lazy(() => import("./Canvas"));

interface PlotProps {
  title: string;
  times: number[];
  lines: Line[];
  from: number;
  to: number;
  most?: number;
  tell: (value: number) => string;
  binary?: boolean;
}

// begin leaves out a time before anything was told, but for some minutes: what is new would be
// a line at the very edge.
const begin = (times: number[], from: number, to: number) => Math.max(from, Math.min(times[0]! - 15, to - leastShown));
const leastShown = 300;

export function Plot({ title, times, lines, from, to, most, tell, binary }: PlotProps) {
  const [pointed, setPointed] = useState<number | null>(null);
  const at = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  const said = (line: Line) => {
    const value = line.values[at];
    return value === null || value === undefined ? "–" : tell(value);
  };
  return (
    <div
      className="card plot"
      role="group"
      aria-label={`${title}: ${times.length ? lines.map((l) => `${l.name} ${said(l)}`).join(", ") : "nothing is known"}`}
    >
      <div className="plot-head">
        <strong>{title}</strong>
        {pointed !== null && times[at] !== undefined && <span className="faint">{atTime(new Date(times[at]! * 1000))}</span>}
      </div>
      {times.length === 0 ? (
        <Text size="sm" c="dimmed" className="plot-empty">
          Nothing is known of this time yet.
        </Text>
      ) : (
        <Suspense fallback={<Skeleton height={132} />}>
          <Canvas {...{ times, lines, to, most, tell, binary }} from={begin(times, from, to)} onPoint={setPointed} />
        </Suspense>
      )}
      <ul className="plot-legend">
        {lines.map((line) => (
          <li key={line.name} data-tone={line.tone}>
            <span className="plot-key" aria-hidden />
            {line.name} <span className="plot-value">{times.length ? said(line) : "–"}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

// Canvas draws lines over time with uPlot. It is loaded when the first plot is shown.
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Line } from "./series";

interface CanvasProps {
  times: number[]; // seconds since 1970
  lines: Line[];
  from: number;
  to: number;
  most?: number; // of the values, where that is known
  tell: (value: number) => string;
  binary?: boolean; // powers of two are the round numbers
  onPoint: (index: number | null) => void; // the reader points at
}

const height = 132;
const few = 3; // so few are no line: they are dots
const powers = Array.from({ length: 50 }, (_, i) => 2 ** i);

export default function Canvas(props: CanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const scheme = useComputedColorScheme("light");
  const names = props.lines.map((l) => l.name).join("\n");
  useEffect(() => {
    const at = box.current!;
    const drawn = new UPlot(optionsOf(at, latest), dataOf(latest.current), at);
    plot.current = drawn;
    const sized = new ResizeObserver(() => drawn.setSize({ width: at.clientWidth, height }));
    sized.observe(at);
    return () => {
      sized.disconnect();
      drawn.destroy();
    };
  }, [scheme, names]);
  useEffect(() => plot.current?.setData(dataOf(props), true), [props.times, props.lines, props.from, props.to]);
  return <div ref={box} className="plot-canvas" aria-hidden />;
}

const dataOf = ({ times, lines }: CanvasProps) => [times, ...lines.map((l) => l.values)] as UPlot.AlignedData;

function optionsOf(at: HTMLElement, latest: { current: CanvasProps }): UPlot.Options {
  const colour = (name: string) => getComputedStyle(at).getPropertyValue(name).trim();
  const text = colour("--mantine-color-dimmed");
  const grid = { stroke: colour("--fescue-line"), width: 1 };
  const axis = { stroke: text, grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: at.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    padding: [8, 10, 0, 0],
    scales: {
      x: { range: () => [latest.current.from, latest.current.to] },
      y: { range: (_, __, top) => [0, latest.current.most ?? (top > 0 ? top * 1.15 : 1)] },
    },
    axes: [
      { ...axis, size: 24, space: 70, values: (_, ticks) => ticks.map((t) => moment(t, latest.current)) },
      {
        ...axis,
        size: 62,
        space: 36,
        incrs: latest.current.binary ? powers : undefined,
        values: (_, ticks) => ticks.map((v) => latest.current.tell(v)),
      },
    ],
    series: [
      {},
      ...latest.current.lines.map((line) => ({
        stroke: colour(`--fescue-${line.tone}`),
        width: 1.5,
        fill: line.filled ? colour(`--fescue-${line.tone}`) + "1f" : undefined,
        points: { show: () => latest.current.times.length < few, size: 5 },
        spanGaps: false,
      })),
    ],
    hooks: { setCursor: [(u) => latest.current.onPoint(u.cursor.idx ?? null)] },
  };
}

const two = (n: number) => String(n).padStart(2, "0");
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

// moment is a tick's time of day, or its day where several are shown.
function moment(t: number, { from, to }: CanvasProps): string {
  const d = new Date(t * 1000);
  return to - from > 2 * 86_400 ? day.format(d) : `${two(d.getHours())}:${two(d.getMinutes())}`;
}

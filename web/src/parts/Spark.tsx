// Spark is a small plot of a number over time: its shape, and in words where it stands.
interface SparkProps {
  values: number[];
  label: string;
  width?: number;
  height?: number;
}

export function Spark({ values, label, width = 72, height = 18 }: SparkProps) {
  const top = Math.max(...values, 0.001);
  const step = width / Math.max(values.length - 1, 1);
  const y = (n: number) => height - 1 - (n / top) * (height - 2);
  const line = values.map((n, i) => `${(i * step).toFixed(1)},${y(n).toFixed(1)}`).join(" ");
  return (
    <svg
      className="spark"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
      width={width}
      height={height}
    >
      {values.length > 1 && (
        <>
          <polygon points={`0,${height} ${line} ${width},${height}`} />
          <polyline points={line} />
        </>
      )}
    </svg>
  );
}

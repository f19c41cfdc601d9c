// Table is every list of the console: a grid whose rows are links, which drops
// columns on narrow screens and draws only the rows in sight when there are many.
import { Text } from "@mantine/core";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Link } from "wouter";

export interface Column<T> {
  name: string;
  width: string; // a grid track
  cell: (row: T) => ReactNode;
  from?: "sm" | "md" | "lg"; // the narrowest screen that shows it
  hideName?: boolean; // to the eye; screen readers have it
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string | number;
  to?: (row: T) => string; // where the first cell leads
}

const virtualFrom = 80;
const rowHeight = 45;

export function Table<T>(props: TableProps<T>) {
  const { label, columns, rows } = props;
  return (
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1} className="table">
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className="table-row table-head" style={tracks(columns)}>
          {columns.map((c) => (
            <div role="columnheader" key={c.name} data-from={c.from}>
              <Text size="xs" fw={600} c="dimmed" className={c.hideName ? "unseen" : undefined}>
                {c.name}
              </Text>
            </div>
          ))}
        </div>
      </div>
      {rows.length < virtualFrom ? (
        <div role="rowgroup">
          {rows.map((row, i) => (
            <Row key={props.id(row)} {...props} row={row} index={i} />
          ))}
        </div>
      ) : (
        <Many {...props} />
      )}
    </div>
  );
}

// tracks gives the grid's columns for each width of screen; see console.css.
function tracks<T>(columns: Column<T>[]) {
  const shown = (...sizes: (string | undefined)[]) => columns.filter((c) => sizes.includes(c.from)).map((c) => c.width);
  return {
    "--tracks": shown(undefined).join(" "),
    "--tracks-sm": shown(undefined, "sm").join(" "),
    "--tracks-md": shown(undefined, "sm", "md").join(" "),
    "--tracks-lg": shown(undefined, "sm", "md", "lg").join(" "),
  } as React.CSSProperties;
}

function PlainRow<T>({ columns, row, index, to, top }: TableProps<T> & { row: T; index: number; top?: number }) {
  const style = top === undefined ? tracks(columns) : { ...tracks(columns), transform: `translateY(${top}px)` };
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className="table-row"
      data-link={to ? true : undefined}
      data-flying={top !== undefined || undefined}
      style={style}
    >
      {columns.map((c, i) => (
        <div role="cell" key={c.name} data-from={c.from}>
          {i === 0 && to ? (
            <Link href={to(row)} className="row-link">
              {c.cell(row)}
            </Link>
          ) : (
            c.cell(row)
          )}
        </div>
      ))}
    </div>
  );
}

// A row is drawn again when it or its list changes, not whenever one scrolls.
const Row = memo(PlainRow) as typeof PlainRow;

function Many<T>(props: TableProps<T>) {
  const list = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => setOffset((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), []);
  const rows = useWindowVirtualizer({
    count: props.rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: offset,
  });
  return (
    <div role="rowgroup" ref={list} className="table-many" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map((item) => {
        const row = props.rows[item.index]!;
        return <Row key={props.id(row)} {...props} row={row} index={item.index} top={item.start - offset} />;
      })}
    </div>
  );
}

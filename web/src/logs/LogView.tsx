// LogView is live output: it stays where the reader scrolled and says how much came
// below; at the end it follows.
import { Button, Group, NativeSelect, Text, TextInput } from "@mantine/core";
import { IconArrowDown, IconDownload, IconPlayerPause, IconPlayerPlay, IconSearch, IconTrash } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { type StreamState } from "../api/follow";
import { Act } from "../parts/Act";
import { Trouble } from "../parts/Trouble";
import { clock, count, number } from "../parts/words";
import { found, type Level, type Line, levelOf, levels } from "./buffer";
import type { Range } from "./range";
import { save } from "./save";
import { useLogs } from "./useLogs";

const live: Range = { from: "", to: "" };

interface LogViewProps {
  application?: string;
  device?: string;
  range?: Range;
  height?: string;
}

export function LogView({ application = "", device = "", range = live, height = "calc(100vh - 250px)" }: LogViewProps) {
  const { buffer, state } = useLogs(application, device, range);
  const [text, setText] = useState("");
  const [level, setLevel] = useState<Level>("debug");
  const [paused, setPaused] = useState<Line[] | null>(null);
  const held = useSyncExternalStore(buffer.subscribe, buffer.get);
  const search = useDeferredValue(text);
  const all = paused ?? held.lines;
  const lines = useMemo(() => found(all, { text: search, level }), [all, search, level]);
  return (
    <div>
      <Group gap="xs" mb="xs">
        <TextInput
          aria-label="Search in the output"
          placeholder="Search"
          size="xs"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          className="grow"
        />
        <NativeSelect
          aria-label="Lowest level"
          size="xs"
          value={level}
          onChange={(e) => setLevel(e.currentTarget.value as Level)}
          data={levels.map((l) => ({
            value: l,
            label: l === "debug" ? "all levels" : l === "error" ? "errors" : `${l} and worse`,
          }))}
        />
        <Act label={paused ? "Go on" : "Pause"} onClick={() => setPaused(paused ? null : held.lines)}>
          {paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
        </Act>
        <Act label="Download" onClick={() => save(`${application || "fescue"}.log`, lines.map(plain).join(""))}>
          <IconDownload size={16} />
        </Act>
        <Act label="Clear the view" onClick={() => buffer.clear()}>
          <IconTrash size={16} />
        </Act>
      </Group>
      <Lines lines={lines} height={height} several={!application} state={state} filtered={lines.length < all.length} />
      <Text size="xs" c="dimmed" mt={6} role="status">
        {lines.length < all.length ? `${number(lines.length)} of ${count(all.length, "line")}` : count(all.length, "line")}
        {paused && `, paused; ${number(held.lines.length - paused.length)} more have come`}
        {held.discarded > 0 && `; ${count(held.discarded, "older line")} left out`}
        {held.limited &&
          `; ${number(held.limited.followed)} of ${count(held.limited.outputs, "output")} are followed: choose an application or a device for others`}
        {held.dropped > 0 && `; ${count(held.dropped, "line")} lost because they came too fast`}
      </Text>
    </div>
  );
}

const plain = (l: Line) => `${l.time} ${l.device} ${l.application}${l.version ? " " + l.version : ""} ${l.stream} ${l.text}\n`;

interface LinesProps {
  lines: Line[];
  height: string;
  several: boolean;
  filtered: boolean;
  state: StreamState;
}

function Lines({ lines, height, several, filtered, state }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [seen, setSeen] = useState(-1); // the newest line the reader has had in sight
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => 20,
    getItemKey: useCallback((i: number) => lines[i]!.key, [lines]), // another one has every line placed anew
    overscan: 20,
  });
  const last = lines.at(-1)?.key ?? -1;
  useLayoutEffect(() => {
    if (following && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [following, last, lines.length, rows]);
  useEffect(() => {
    if (following) setSeen(last);
  }, [following, last]);
  const onScroll = () => {
    const b = box.current!;
    setFollowing(b.scrollHeight - b.scrollTop - b.clientHeight < 24);
  };
  const fresh = useMemo(() => (following ? 0 : lines.filter((l) => l.key > seen).length), [following, lines, seen]);
  return (
    <div className="lines-frame">
      <div
        ref={box}
        className="lines"
        style={{ height }}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label="Output"
        aria-live="off"
      >
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((item) => (
            <LineRow
              key={item.key}
              line={lines[item.index]!}
              several={several}
              index={item.index}
              top={item.start}
              measure={rows.measureElement}
            />
          ))}
        </div>
        {lines.length === 0 && <Nothing state={state} filtered={filtered} />}
      </div>
      {fresh > 0 && (
        <Button
          size="compact-sm"
          className="lines-new"
          rightSection={<IconArrowDown size={14} aria-hidden />}
          onClick={() => setFollowing(true)}
        >
          {count(fresh, "new line")}
        </Button>
      )}
    </div>
  );
}

const LineRow = memo(function LineRow({
  line,
  several,
  index,
  top,
  measure,
}: {
  line: Line;
  several: boolean;
  index: number;
  top: number;
  measure: (e: Element | null) => void;
}) {
  const level = levelOf(line);
  return (
    <div
      ref={measure}
      data-index={index}
      className="line"
      data-level={level}
      data-stream={line.stream}
      style={{ transform: `translateY(${top}px)` }}
    >
      <time
        dateTime={line.time}
        title={`${line.time} · ${line.device} · ${line.application} ${line.version ?? ""} · ${line.stream}`}
      >
        {clock(new Date(line.time))}
      </time>
      {several && <span className="line-from">{line.application}</span>}
      <span className="line-text">
        {level === "error" && <span className="line-level">error </span>}
        {line.text}
      </span>
    </div>
  );
});

function Nothing({ state, filtered }: { state: StreamState; filtered: boolean }) {
  if (state.kind === "failed") return <Trouble error={state.failure} />;
  return (
    <Text size="sm" c="dimmed" p="md">
      {filtered
        ? "No line fits what you search for."
        : state.kind === "ended"
          ? "Nothing was written in this time."
          : state.kind === "open"
            ? "No output yet. It appears here as it is written."
            : "Connecting…"}
    </Text>
  );
}

// TailView shows messages as they are published, newest at the end.
import { Button, Group, SegmentedControl, Text, TextInput } from "@mantine/core";
import { IconArrowDown, IconPlayerPause, IconPlayerPlay, IconSearch, IconTrash } from "@tabler/icons-react";
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
import { follow, type StreamState } from "../api/follow";
import { pretty } from "../applications/EventInput";
import { Act } from "../parts/Act";
import { Trouble } from "../parts/Trouble";
import { bytes, clock, count, number } from "../parts/words";
import { Values } from "./Values";
import { type Message, Tail, type TailState } from "./tail";

type View = "messages" | "values";

export function TailView({ device, filter }: { device: string; filter: string }) {
  const { tail, state } = useTail(device, filter);
  const live = useSyncExternalStore(tail.subscribe, tail.get);
  const [paused, setPaused] = useState<TailState>();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<Message>();
  const [view, setView] = useState<View>("messages");
  const shown = paused ?? live;
  const search = useDeferredValue(text.toLowerCase());
  const messages = useMemo(
    () => (search ? shown.messages.filter((m) => (m.topic + "\n" + m.text).toLowerCase().includes(search)) : shown.messages),
    [shown.messages, search],
  );
  return (
    <div>
      <Group gap="xs" mb="xs">
        <SegmentedControl
          size="xs"
          aria-label="Shown"
          value={view}
          onChange={(v) => setView(v as View)}
          data={[
            { value: "messages", label: "Messages" },
            { value: "values", label: "Last values" },
          ]}
        />
        <TextInput
          className="grow"
          size="xs"
          aria-label="Search in messages"
          placeholder="Search"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
        <Act label={paused ? "Go on" : "Pause"} onClick={() => setPaused(paused ? undefined : live)}>
          {paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />}
        </Act>
        <Act label="Clear the view" onClick={() => (tail.clear(), setChosen(undefined))}>
          <IconTrash size={16} />
        </Act>
      </Group>
      {state.kind === "failed" ? (
        <Trouble error={state.failure} />
      ) : view === "values" ? (
        <Values device={device} filter={filter} messages={messages} onChoose={setChosen} />
      ) : (
        <Messages messages={messages} chosen={chosen} onChoose={setChosen} state={state} filter={filter} />
      )}
      <Text size="xs" c="dimmed" mt={6} role="status">
        {search ? `${number(messages.length)} of ${count(shown.messages.length, "message")}` : count(shown.seen, "message")}
        {paused && `, paused; ${number(live.seen - paused.seen)} more have come`}
        {shown.sampled > 0 && `; they come fast: ${number(shown.sampled)} are not shown`}
        {shown.dropped > 0 && `; ${number(shown.dropped)} lost on the way`}
      </Text>
      {chosen && <Chosen message={chosen} />}
    </div>
  );
}

function useTail(device: string, filter: string) {
  const [tail] = useState(() => new Tail());
  const [state, setState] = useState<StreamState>({ kind: "connecting" });
  useEffect(() => {
    tail.clear();
    if (!device) return;
    return follow(`/v1/devices/${encodeURIComponent(device)}/tail?filter=${encodeURIComponent(filter)}`, {
      onEvent: (e) => {
        if (e.event === "message") tail.add(e.data);
        if (e.event === "dropped") tail.drop(JSON.parse(e.data).count);
      },
      onState: setState,
    });
  }, [device, filter, tail]);
  return { tail, state };
}

interface MessagesProps {
  messages: Message[];
  chosen?: Message;
  onChoose: (m: Message) => void;
  state: StreamState;
  filter: string;
}

function Messages({ messages, chosen, onChoose, state, filter }: MessagesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const rows = useVirtualizer({
    count: messages.length,
    getScrollElement: () => box.current,
    estimateSize: () => 26,
    getItemKey: useCallback((i: number) => messages[i]!.key, [messages]),
    overscan: 15,
  });
  const last = messages.at(-1)?.key;
  useLayoutEffect(() => {
    if (following && messages.length > 0) rows.scrollToIndex(messages.length - 1, { align: "end" });
  }, [following, last, messages.length, rows]);
  const onScroll = () => {
    const b = box.current!;
    setFollowing(b.scrollHeight - b.scrollTop - b.clientHeight < 30);
  };
  return (
    <div className="lines-frame">
      <div ref={box} className="lines tail" onScroll={onScroll} tabIndex={0} role="log" aria-label="Messages" aria-live="off">
        <div style={{ height: rows.getTotalSize(), position: "relative" }}>
          {rows.getVirtualItems().map((item) => {
            const m = messages[item.index]!;
            return <MessageRow key={item.key} message={m} chosen={chosen?.key === m.key} top={item.start} onChoose={onChoose} />;
          })}
        </div>
        {messages.length === 0 && (
          <Text size="sm" c="dimmed" p="md">
            {state.kind === "open" ? `Nothing yet on ${filter}. Messages appear here as they are published.` : "Connecting…"}
          </Text>
        )}
      </div>
      {!following && (
        <Button
          size="compact-sm"
          className="lines-new"
          rightSection={<IconArrowDown size={14} aria-hidden />}
          onClick={() => setFollowing(true)}
        >
          To the newest
        </Button>
      )}
    </div>
  );
}

interface MessageRowProps {
  message: Message;
  chosen: boolean;
  top: number;
  onChoose: (m: Message) => void;
}

const MessageRow = memo(function MessageRow({ message: m, chosen, top, onChoose }: MessageRowProps) {
  return (
    <button
      type="button"
      className="message"
      aria-pressed={chosen}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(m)}
    >
      <time dateTime={m.time}>{clock(new Date(m.time))}</time>
      <span className="message-topic">{m.topic}</span>
      <span className="message-text">{m.text.slice(0, 400)}</span>
      <span className="message-size">{bytes(m.size)}</span>
    </button>
  );
});

function Chosen({ message: m }: { message: Message }) {
  return (
    <section aria-label="Message">
      <Text size="sm" mt="sm">
        <strong>{m.topic}</strong>
        {m.from && <> from {m.from}</>}, {bytes(m.size)}, {clock(new Date(m.time))}
      </Text>
      <pre className="text" tabIndex={0}>
        {pretty(m.text) || "(empty)"}
      </pre>
    </section>
  );
}

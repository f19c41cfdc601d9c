// Values is the topics in view, each with its last value, its rate and how that went.
import { Text } from "@mantine/core";
import { useMemo } from "react";
import { Spark } from "../parts/Spark";
import { type Column, Table } from "../parts/Table";
import { bytes, rate } from "../parts/words";
import { overlap } from "./overlap";
import type { TopicRate } from "./rates";
import { type Message, remembered } from "./tail";
import { useTopics } from "./useTopics";

interface ValuesProps {
  device: string;
  filter: string;
  messages: Message[];
  onChoose: (m: Message) => void;
}

interface Row {
  topic: string;
  rated?: TopicRate;
  last?: Message;
}

export function Values({ device, filter, messages, onChoose }: ValuesProps) {
  const { rates } = useTopics(device);
  const rows = useMemo(() => rowsOf(rates, filter, messages), [rates, filter, messages]);
  if (rows.length === 0) {
    return (
      <Text size="sm" c="dimmed" p="md">
        Nothing was published on {filter} yet.
      </Text>
    );
  }
  return <Table label="Last values" columns={columns(onChoose)} rows={rows} id={(r) => r.topic} />;
}

// rowsOf are the topics that messages came on, and those that somebody has published on:
// of these the device knows the last one.
export function rowsOf(rates: TopicRate[], filter: string, messages: Message[]): Row[] {
  const rows = new Map<string, Row>();
  for (const t of rates) {
    if ((t.messages > 0 || t.lastAt) && !/[#+]/.test(t.topic) && overlap(t.topic, filter))
      rows.set(t.topic, { topic: t.topic, rated: t, last: remembered(t) });
  }
  for (const m of messages) rows.set(m.topic, { ...rows.get(m.topic), topic: m.topic, last: m });
  return [...rows.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1));
}

const columns = (onChoose: (m: Message) => void): Column<Row>[] => [
  { name: "Topic", width: "minmax(100px, 1.2fr)", cell: (r) => <span className="breakable">{r.topic}</span> },
  {
    name: "Last value",
    width: "minmax(110px, 2fr)",
    cell: (r) =>
      r.last ? (
        <button
          type="button"
          className="as-link mono one-line"
          onClick={() => onChoose(r.last!)}
          title={`${bytes(r.last.size)}, from ${r.last.from || "nobody known"}`}
        >
          {r.last.text.slice(0, 200) || "(empty)"}
        </button>
      ) : (
        <span className="faint">not known</span>
      ),
  },
  {
    name: "Rate",
    width: "minmax(120px, 1fr)",
    from: "sm",
    cell: ({ topic, rated }) =>
      rated && (
        <span className="value-rate">
          <Spark values={rated.history} label={`${topic}: ${rate(rated.rate)}`} width={56} height={16} />
          {rate(rated.rate)}
        </span>
      ),
  },
];

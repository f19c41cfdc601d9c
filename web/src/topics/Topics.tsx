// Topics: what is published on a device, who may use it, and the messages themselves.
import { ActionIcon, Stack, Text, TextInput } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { devices } from "../api/queries";
import { DevicePick } from "../devices/DevicePick";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { useAddress } from "../parts/useAddress";
import { Spark } from "../parts/Spark";
import { rate } from "../parts/words";
import { Denied } from "./Denied";
import { Publish } from "./Publish";
import type { TopicRate } from "./rates";
import { remembered } from "./tail";
import { TailView } from "./TailView";
import { rowsOf, type Row, treeOf } from "./tree";
import { Users } from "./Users";
import { useTopics } from "./useTopics";

// ofOthers leaves out filters that only somebody who looks on subscribes to, as this page does.
const ofOthers = (t: TopicRate) => !/[#+]/.test(t.topic) || t.subscribedBy?.some((s) => s !== "@agent");

export default function Topics() {
  const machines = useQuery(devices);
  const [search, choose] = useAddress();
  const device = search.get("device") ?? (machines.data?.find((d) => d.connected) ?? machines.data?.[0])?.id ?? "";
  const filter = search.get("filter") || "#";
  return (
    <Page
      title="Topics"
      note="What is published on a device, as it comes."
      actions={
        (machines.data?.length ?? 0) > 1 && <DevicePick label="Device" value={device} onChange={(d) => choose("device", d)} />
      }
    >
      <Loaded query={machines} height={400}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No devices">Topics are those of a device. None has joined yet.</Empty>
          ) : (
            <div className="topics">
              <Tree device={device} filter={filter} onChoose={(f) => choose("filter", f)} />
              <Stack gap="md" miw={0}>
                <Filter filter={filter} onChange={(f) => choose("filter", f)} />
                <TailView device={device} filter={filter} />
                <Denied device={device} />
              </Stack>
              <Stack gap="md" miw={0}>
                <Publish device={device} suggested={/[#+]/.test(filter) ? "" : filter} />
                <Users filter={filter} device={device} />
              </Stack>
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}

// The filter is applied when it is entered: each change opens another stream.
function Filter({ filter, onChange }: { filter: string; onChange: (filter: string) => void }) {
  const [typed, setTyped] = useState(filter);
  useEffect(() => setTyped(filter), [filter]);
  const enter = () => typed.trim() !== filter && onChange(typed.trim());
  return (
    <TextInput
      size="xs"
      label="Topic filter"
      description="+ stands for one level, # at the end for all that follow"
      value={typed}
      spellCheck={false}
      onChange={(e) => setTyped(e.currentTarget.value)}
      onBlur={enter}
      onKeyDown={(e) => e.key === "Enter" && enter()}
    />
  );
}

function Tree({ device, filter, onChoose }: { device: string; filter: string; onChoose: (filter: string) => void }) {
  const { query, rates } = useTopics(device);
  const [folded, setFolded] = useState(new Set<string>());
  const toggle = (path: string) =>
    setFolded((was) => {
      const next = new Set(was);
      if (!next.delete(path)) next.add(path);
      return next;
    });
  return (
    <nav aria-label="Topics">
      <Loaded query={query} height={240}>
        {() => {
          const rows = rowsOf(treeOf(rates.filter(ofOthers)), folded);
          const sum = rates.reduce((sum, t) => sum + t.rate, 0);
          return <Rows rows={rows} rate={sum} filter={filter} folded={folded} onFold={toggle} onChoose={onChoose} />;
        }}
      </Loaded>
    </nav>
  );
}

interface RowsProps {
  rows: Row[];
  rate: number;
  filter: string;
  folded: Set<string>;
  onFold: (path: string) => void;
  onChoose: (filter: string) => void;
}

const rowHeight = 32;

// Rows are the tree from top to bottom, of which those in sight are drawn.
function Rows({ rows, rate, filter, folded, onFold, onChoose }: RowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const drawn = useVirtualizer({
    count: rows.length + 1,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 15,
  });
  return (
    <div className="tree" ref={box}>
      <div className="tree-rows" style={{ height: drawn.getTotalSize() }}>
        {drawn.getVirtualItems().map(({ index, start }) => {
          const row = rows[index - 1];
          return row ? (
            <BranchRow
              key={row.branch.path}
              top={start}
              row={row}
              filter={filter}
              folded={folded.has(row.branch.path)}
              onFold={onFold}
              onChoose={onChoose}
            />
          ) : (
            <TreeRow
              key="#"
              top={start}
              name="all topics"
              filter="#"
              chosen={filter === "#"}
              depth={0}
              rate={rate}
              onChoose={onChoose}
            />
          );
        })}
      </div>
      {rows.length === 0 && (
        <Text size="sm" c="dimmed" p="xs">
          Nobody publishes or subscribes yet.
        </Text>
      )}
    </div>
  );
}

interface BranchRowProps {
  row: Row;
  top: number;
  filter: string;
  folded: boolean;
  onFold: (path: string) => void;
  onChoose: (filter: string) => void;
}

function BranchRow({ row: { branch, depth }, top, filter, folded, onFold, onChoose }: BranchRowProps) {
  const below = branch.branches.length > 0;
  const leads = branch.topic && !below ? branch.path : `${branch.path}/#`;
  return (
    <TreeRow
      top={top}
      name={branch.name || "(empty)"}
      filter={leads}
      chosen={filter === leads}
      depth={depth}
      rate={branch.rate}
      history={branch.topic?.history}
      last={branch.topic && remembered(branch.topic)?.text}
      onChoose={onChoose}
      fold={
        below && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size={24}
            aria-label={folded ? `Unfold ${branch.path}` : `Fold ${branch.path}`}
            aria-expanded={!folded}
            onClick={() => onFold(branch.path)}
          >
            <IconChevronRight size={13} className={folded ? undefined : "turned-down"} />
          </ActionIcon>
        )
      }
    />
  );
}

interface TreeRowProps {
  top: number;
  name: string;
  filter: string;
  chosen: boolean;
  depth: number;
  rate: number;
  history?: number[];
  last?: string; // value
  fold?: React.ReactNode;
  onChoose: (filter: string) => void;
}

function TreeRow({ top, name, filter, chosen, depth, rate: n, history, last, fold, onChoose }: TreeRowProps) {
  return (
    <div
      className="file tree-row"
      data-chosen={chosen || undefined}
      style={{ paddingLeft: depth * 14, transform: `translateY(${top}px)` }}
    >
      <span className="tree-fold">{fold}</span>
      <button
        type="button"
        className="tree-topic"
        aria-current={chosen ? "true" : undefined}
        onClick={() => onChoose(filter)}
        title={filter}
      >
        <span className="tree-name">{name}</span>
        {last && <span className="tree-last mono">{last}</span>}
        {history && <Spark values={history} label={`${filter}: ${rate(n)}`} width={48} height={14} />}
        <span className="tree-rate">{rate(n)}</span>
      </button>
    </div>
  );
}

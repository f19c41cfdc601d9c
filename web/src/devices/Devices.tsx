// Devices: the list.
import { Group, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Application, Device } from "../api/client";
import { applications, devices } from "../api/queries";
import { stateOf } from "../applications/state";
import { Empty } from "../parts/Empty";
import { countBy, Groups } from "../parts/Groups";
import { labelsOf, partingKeys, partOf } from "../parts/labels";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Search } from "../parts/Search";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { When } from "../parts/When";
import { count } from "../parts/words";

export default function Devices() {
  const query = useQuery(devices);
  const apps = useQuery(applications).data;
  const load = useMemo(() => loads(apps ?? []), [apps]);
  const away = query.data?.filter((d) => !d.connected).length ?? 0;
  return (
    <Page title="Devices" note={query.data && `${count(query.data.length, "device")}${away ? `, ${away} not connected` : ""}`}>
      <Loaded query={query} height={220}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No devices yet">
              A device is a machine with an agent. <code>fescue up</code> makes this machine one.
            </Empty>
          ) : (
            <List all={all} load={load} />
          )
        }
      </Loaded>
    </Page>
  );
}

const stateOfDevice = (d: Device) => (d.connected ? "connected" : "not connected");

function List({ all, load }: { all: Device[]; load: Map<string, Load> }) {
  const [search, setSearch] = useState("");
  const [state, setState] = useState("");
  const keys = useMemo(() => partingKeys(all), [all]);
  const [chosen, setChosen] = useState<string>();
  const key = chosen ?? keys[0] ?? "";
  const [part, setPart] = useState("");
  const shownColumns = useMemo(() => columns(load), [load]);
  const text = search.trim().toLowerCase();
  const rows = useMemo(
    () => all.filter((d) => `${d.id} ${d.platform} ${labelsOf(d).join(" ")}`.toLowerCase().includes(text)),
    [all, text],
  );
  const found = rows.filter((d) => (!state || stateOfDevice(d) === state) && (!part || partOf(d, key) === part));
  return (
    <>
      {all.length > 8 && (
        <Group gap="sm">
          <Search label="Search devices" placeholder="Name, platform or label" value={search} onChange={setSearch} />
          <Groups label="By state" counts={countBy(rows, stateOfDevice)} value={state} onChange={setState} />
        </Group>
      )}
      {all.length > 8 && keys.length > 0 && (
        <Group gap="sm">
          <NativeSelect
            aria-label="Label to group by"
            size="xs"
            value={key}
            onChange={(e) => (setChosen(e.currentTarget.value), setPart(""))}
            data={keys.map((k) => ({ value: k, label: `by ${k}` }))}
          />
          <Groups label={`By ${key}`} counts={countBy(rows, (d) => partOf(d, key))} value={part} onChange={setPart} />
        </Group>
      )}
      <Table label="Devices" columns={shownColumns} rows={found} id={(d) => d.id} to={(d) => `/devices/${d.id}`} />
    </>
  );
}

const columns = (load: Map<string, Load>): Column<Device>[] => [
  { name: "Name", width: "minmax(110px, 1.5fr)", cell: (d) => d.id },
  {
    name: "State",
    width: "minmax(120px, 1fr)",
    cell: (d) => <Status state={d.connected ? "connected" : "disconnected"}>{stateOfDevice(d)}</Status>,
  },
  { name: "Applications", width: "minmax(120px, 1.2fr)", from: "sm", cell: (d) => <LoadOf load={load.get(d.id)} /> },
  { name: "Platform", width: "minmax(90px, 1fr)", from: "sm", cell: (d) => d.platform },
  {
    name: "Labels",
    width: "minmax(120px, 1.5fr)",
    from: "lg",
    cell: (d) => labelsOf(d).join(", ") || <span className="faint">none</span>,
  },
  { name: "Agent", width: "minmax(80px, 1fr)", from: "md", cell: (d) => d.agent },
  { name: "Last heard of", width: "minmax(110px, 1fr)", from: "md", cell: (d) => <When at={d.lastSeenAt} /> },
];

interface Load {
  all: number;
  failing: number;
}

function loads(apps: Application[]): Map<string, Load> {
  const map = new Map<string, Load>();
  for (const p of apps.flatMap((a) => a.placements)) {
    const load = map.get(p.device) ?? { all: 0, failing: 0 };
    load.all++;
    if (["failed", "restarting"].includes(stateOf(p))) load.failing++;
    map.set(p.device, load);
  }
  return map;
}

function LoadOf({ load }: { load?: Load }) {
  if (!load) return <span className="faint">none</span>;
  if (load.failing === 0) return <>{load.all}</>;
  return (
    <Status state="failed">
      {load.failing} of {load.all} failing
    </Status>
  );
}

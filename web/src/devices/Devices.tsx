// Devices: the list.
import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Application, Device } from "../api/client";
import { applications, devices } from "../api/queries";
import { stateOf } from "../applications/state";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { When } from "../parts/When";
import { count } from "../parts/words";

export default function Devices() {
  const query = useQuery(devices);
  const apps = useQuery(applications).data;
  const [search, setSearch] = useState("");
  const load = useMemo(() => loads(apps ?? []), [apps]);
  const away = query.data?.filter((d) => !d.connected).length ?? 0;
  const wanted = (d: Device) =>
    `${d.id} ${d.platform} ${labelsOf(d).join(" ")}`.toLowerCase().includes(search.trim().toLowerCase());
  return (
    <Page title="Devices" note={query.data && `${count(query.data.length, "device")}${away ? `, ${away} not connected` : ""}`}>
      <Loaded query={query} height={220}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No devices yet">
              A device is a machine with an agent. <code>fescue up</code> makes this machine one.
            </Empty>
          ) : (
            <>
              {all.length > 8 && (
                <TextInput
                  aria-label="Search devices"
                  placeholder="Name, platform or label"
                  leftSection={<IconSearch size={16} aria-hidden />}
                  value={search}
                  onChange={(e) => setSearch(e.currentTarget.value)}
                  maw={320}
                />
              )}
              <Table
                label="Devices"
                columns={columns(load)}
                rows={all.filter(wanted)}
                id={(d) => d.id}
                to={(d) => `/devices/${d.id}`}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

const columns = (load: Map<string, Load>): Column<Device>[] => [
  { name: "Name", width: "minmax(110px, 1.5fr)", cell: (d) => d.id },
  {
    name: "State",
    width: "minmax(120px, 1fr)",
    cell: (d) => (
      <Status state={d.connected ? "connected" : "disconnected"}>{d.connected ? "connected" : "not connected"}</Status>
    ),
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

export const labelsOf = (d: Device) => Object.entries(d.labels ?? {}).map(([k, v]) => (v ? `${k}=${v}` : k));

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

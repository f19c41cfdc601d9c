// DevicePage: one device: what it is, what it enforces, what runs on it, what happened.
import { SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Application, Device, Placement } from "../api/client";
import { applicationsOn, device, recentEvents } from "../api/queries";
import { stateOf } from "../applications/state";
import { DeviceMetrics } from "../metrics/DeviceMetrics";
import { Happened } from "../overview/Happened";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { When } from "../parts/When";
import { Labels } from "./Labels";

export default function DevicePage({ id }: { id: string }) {
  const query = useQuery(device(id));
  const placed = useQuery({
    ...applicationsOn(id),
    select: (all: Application[]) => all.flatMap((a) => a.placements).filter((p) => p.device === id),
  });
  const d = query.data;
  return (
    <Page
      title={id}
      note={
        d && (
          <span className="headline">
            <Status state={d.connected ? "connected" : "disconnected"}>{d.connected ? "connected" : "not connected"}</Status>
            <span>
              last heard of <When at={d.lastSeenAt} />
            </span>
            <Link href={`/topics?device=${id}`}>Topics</Link>
            <Link href={`/logs?device=${id}`}>Logs</Link>
          </span>
        )
      }
    >
      <Loaded query={query} height={320}>
        {(d) => (
          <Loaded query={placed} height={600}>
            {(list) => (
              <>
                <OnIt id={id} placed={list} />
                <DeviceMetrics id={id} />
                <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
                  <About device={d} />
                  <Facts device={d} of="isolation" title="Isolation it enforces" />
                </SimpleGrid>
                <Recent id={id} />
              </>
            )}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

const columns: Column<Placement>[] = [
  { name: "Application", width: "minmax(110px, 2fr)", cell: (p) => p.name },
  { name: "State", width: "minmax(100px, 1fr)", cell: (p) => <Status state={stateOf(p)} /> },
  { name: "Version", width: "minmax(70px, 1fr)", cell: (p) => p.actual || p.version },
  { name: "Message", width: "minmax(140px, 2fr)", from: "md", cell: (p) => p.message },
  { name: "Since", width: "minmax(100px, 1fr)", from: "sm", cell: (p) => <When at={p.updatedAt} /> },
];

function OnIt({ id, placed }: { id: string; placed: Placement[] }) {
  if (placed.length === 0) {
    return (
      <Empty title="Nothing is deployed here">
        <Link href="/new">Write an application</Link>, or deploy one that is stored.
      </Empty>
    );
  }
  return (
    <Table
      label={`Applications on ${id}`}
      columns={columns}
      rows={placed}
      id={(p) => p.name}
      to={(p) => `/applications/${p.name}`}
    />
  );
}

function About({ device: d }: { device: Device }) {
  return (
    <Stack component="section" className="card" p="lg" gap="sm">
      <Title order={2}>About</Title>
      <dl className="facts">
        <dt>Platform</dt>
        <dd>{d.platform}</dd>
        <dt>Agent</dt>
        <dd>{d.agent}</dd>
        <dt>Labels</dt>
        <dd>
          <Labels device={d} />
        </dd>
        <dt>Known since</dt>
        <dd>
          <When at={d.createdAt} />
        </dd>
        {factsOf(d, "runtime").map(([name, value]) => (
          <Fact key={name} name={`Runtime ${name}`} value={value} />
        ))}
        {otherFacts(d).map(([name, value]) => (
          <Fact key={name} name={titled(name.replaceAll(".", " "))} value={value} />
        ))}
      </dl>
    </Stack>
  );
}

const grouped = ["isolation", "runtime"];

const factsOf = (d: Device, group: string) =>
  Object.entries(d.facts ?? {})
    .filter(([k]) => k.startsWith(group + "."))
    .map(([k, v]) => [k.slice(group.length + 1), v] as const);

const otherFacts = (d: Device) => Object.entries(d.facts ?? {}).filter(([k]) => !grouped.some((g) => k.startsWith(g + ".")));

function Facts({ device, of, title }: { device: Device; of: string; title: string }) {
  const facts = factsOf(device, of);
  return (
    <Stack component="section" className="card" p="lg" gap="sm">
      <Title order={2}>{title}</Title>
      {facts.length === 0 ? (
        <Text size="sm" c="dimmed">
          The device has told nothing.
        </Text>
      ) : (
        <dl className="facts">
          {facts.map(([name, value]) => (
            <Fact key={name} name={titled(name)} value={value} />
          ))}
        </dl>
      )}
    </Stack>
  );
}

const titled = (name: string) => (name.startsWith("cpu") ? "CPU" + name.slice(3) : name[0]!.toUpperCase() + name.slice(1));

const Fact = ({ name, value }: { name: string; value: string }) => (
  <>
    <dt>{name}</dt>
    <dd>{value || "–"}</dd>
  </>
);

function Recent({ id }: { id: string }) {
  const query = useQuery(recentEvents({ device: id, tail: 60 }));
  return (
    <Stack component="section" gap="sm">
      <Title order={2}>What happened</Title>
      <Loaded query={query} height={200}>
        {(events) => <Happened events={events} />}
      </Loaded>
    </Stack>
  );
}

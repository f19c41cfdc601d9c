// Overview: where the application runs, what it may do, and a way to call it.
import { Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { Application, ApplicationVersion, Placement } from "../api/client";
import { versions } from "../api/queries";
import { Empty } from "../parts/Empty";
import { countBy, Groups } from "../parts/Groups";
import { Loaded } from "../parts/Loaded";
import { Search } from "../parts/Search";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { When } from "../parts/When";
import { bytes } from "../parts/words";
import { grantsOf } from "./grants";
import { Invoke } from "./Invoke";
import { stateOf, urgency } from "./state";
import { triggerWords } from "./trigger";

const columns: Column<Placement>[] = [
  { name: "Device", width: "minmax(110px, 1fr)", cell: (p) => p.device },
  { name: "State", width: "minmax(100px, 1fr)", cell: (p) => <Status state={stateOf(p)} /> },
  { name: "Version", width: "minmax(70px, 1fr)", cell: (p) => <VersionOf placement={p} /> },
  { name: "Message", width: "minmax(160px, 2fr)", from: "md", cell: (p) => p.message },
  { name: "Since", width: "minmax(100px, 1fr)", from: "sm", cell: (p) => <When at={p.updatedAt} /> },
];

const VersionOf = ({ placement: p }: { placement: Placement }) =>
  p.actual && p.actual !== p.version ? (
    <span title={`${p.version} is asked for`}>
      {p.actual} → {p.version}
    </span>
  ) : (
    p.version
  );

export function Overview({ app }: { app: Application }) {
  const query = useQuery(versions(app.name));
  const running = app.placements[0]?.actual || app.placements[0]?.version || app.latest;
  return (
    <Stack gap="lg">
      {app.placements.length > 0 ? (
        <Placements all={app.placements} />
      ) : (
        <Empty title="On no device">
          <Link href={`/applications/${app.name}/versions`}>Choose a version</Link> to deploy it.
        </Empty>
      )}
      <Loaded query={query} height={240}>
        {(all) => {
          const version = all.find((v) => v.version === running) ?? all[0];
          return version ? <About app={app} version={version} /> : null;
        }}
      </Loaded>
    </Stack>
  );
}

// Of many devices, those that need a person come first, and one can look for others.
function Placements({ all }: { all: Placement[] }) {
  const [search, setSearch] = useState("");
  const [state, setState] = useState("");
  const found = all.filter((p) => p.device.toLowerCase().includes(search.trim().toLowerCase()));
  const rows = (state ? found.filter((p) => stateOf(p) === state) : found).toSorted((a, b) => urgency(a) - urgency(b));
  return (
    <>
      {all.length > 8 && (
        <Group gap="sm">
          <Search label="Search devices" value={search} onChange={setSearch} />
          <Groups label="By state" counts={countBy(found, stateOf)} value={state} onChange={setState} />
        </Group>
      )}
      <Table label="Devices" columns={columns} rows={rows} id={(p) => p.device} to={(p) => `/devices/${p.device}`} />
    </>
  );
}

function About({ app, version }: { app: Application; version: ApplicationVersion }) {
  const callable = Boolean(version.configuration.handler) && app.placements.length > 0;
  return (
    <SimpleGrid cols={{ base: 1, md: callable ? 2 : 1 }} spacing="lg">
      {callable && <Invoke app={app} />}
      <Stack component="section" className="card" p="lg" gap="md">
        <Title order={2}>Version {version.version}</Title>
        {version.configuration.description && <Text size="sm">{version.configuration.description}</Text>}
        <Facts version={version} />
      </Stack>
    </SimpleGrid>
  );
}

function Facts({ version }: { version: ApplicationVersion }) {
  const c = version.configuration;
  const grants = grantsOf(c);
  return (
    <dl className="facts">
      <Fact name="Runtime">{c.runtime}</Fact>
      {c.handler && <Fact name="Handler">{c.handler}</Fact>}
      {(c.triggers ?? []).map((t, i) => (
        <Fact key={i} name={i === 0 ? "Triggers" : ""}>
          {triggerWords(t)}
        </Fact>
      ))}
      {(c.commands ?? []).map((k, i) => (
        <Fact key={i} name={i === 0 ? "Commands" : ""}>
          <code>{k.run}</code>
        </Fact>
      ))}
      <Fact name="May subscribe">
        <Topics of={grants.subscribe} />
      </Fact>
      <Fact name="May publish">
        <Topics of={grants.publish} />
      </Fact>
      <Fact name="Isolation">{c.isolation}</Fact>
      <Fact name="Limits">
        {bytes(c.limits.memory)} memory, {c.limits.cpu ? `${c.limits.cpu} processors` : "processors not limited"},{" "}
        {c.limits.timeout} a call, {c.limits.concurrency} at once
      </Fact>
      <Fact name="Stored">
        <When at={version.createdAt} />
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Topics({ of }: { of: string[] }) {
  if (of.length === 0) return <span className="faint">nothing</span>;
  return (
    <>
      {of.map((t, i) => (
        <span key={t}>
          {i > 0 && ", "}
          <Link href={`/topics?filter=${encodeURIComponent(t)}`}>{t}</Link>
        </span>
      ))}
    </>
  );
}

// Denied lists what was wanted on a device and is not allowed: by everybody, or by one
// application. Nothing of it is there while nothing was denied.
import { Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { DeniedInfo } from "../api/client";
import { denied } from "../api/queries";
import { type Column, Table } from "../parts/Table";
import { number } from "../parts/words";
import { When } from "../parts/When";

const who: Column<DeniedInfo> = {
  name: "Who",
  width: "minmax(80px, 1fr)",
  cell: (d) => (d.credential ? `${d.who} (credential)` : <Link href={`/applications/${d.who}/topics`}>{d.who}</Link>),
};

const columns: Column<DeniedInfo>[] = [
  { name: "Topic", width: "minmax(90px, 2fr)", cell: (d) => <span className="mono">{d.topic}</span> },
  { name: "Wanted to", width: "minmax(76px, 1fr)", cell: (d) => d.kind },
  { name: "Times", width: "minmax(48px, 0.6fr)", cell: (d) => number(d.count) },
  { name: "Last", width: "minmax(80px, 1fr)", from: "sm", cell: (d) => <When at={d.last} /> },
];

export function Denied({ device, application }: { device: string; application?: string }) {
  const { data } = useQuery({ ...denied(device), enabled: device !== "" });
  const rows = (data ?? []).filter((d) => application === undefined || (!d.credential && d.who === application));
  if (rows.length === 0) return null;
  return (
    <Stack component="section" gap="xs" aria-label="What was denied">
      <Title order={2}>Denied</Title>
      <Table
        label="Denied"
        columns={application === undefined ? [who, ...columns] : columns}
        rows={rows}
        id={(d) => `${d.credential} ${d.who} ${d.kind} ${d.topic}`}
      />
      <Text size="xs" c="dimmed">
        Since the agent was started. An application is granted topics under resources, and deployed again; a client of MQTT or
        NATS needs another credential.
      </Text>
    </Stack>
  );
}

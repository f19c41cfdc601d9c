// TopicsTab: what an application may hear and say, with what comes and goes there now, and what
// it wanted besides.
import { Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { Application, ApplicationVersion } from "../api/client";
import { versions } from "../api/queries";
import { DevicePick } from "../devices/DevicePick";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
import { Spark } from "../parts/Spark";
import { type Column, Table } from "../parts/Table";
import { number, rate } from "../parts/words";
import { Denied } from "../topics/Denied";
import { useTopics } from "../topics/useTopics";
import { type Used, usedBy } from "./used";

const columns: Column<Used>[] = [
  { name: "Topic", width: "minmax(64px, 2fr)", cell: (u) => <span className="mono">{u.topic}</span> },
  {
    name: "It",
    width: "minmax(150px, 2fr)",
    cell: (u) => (
      <span className="headline">
        {u.does}
        {u.note && (
          <span className="tag" data-tone="warn">
            {u.note}
          </span>
        )}
      </span>
    ),
  },
  {
    name: "Rate",
    width: "minmax(44px, 1fr)",
    cell: (u) => (
      <Group gap="sm" wrap="nowrap">
        {rate(u.rate)}
        {u.history.length > 1 && <Spark values={u.history} label={`Rate of ${u.topic}`} />}
      </Group>
    ),
  },
  { name: "Messages", width: "minmax(80px, 1fr)", from: "sm", cell: (u) => number(u.messages) },
];

export function TopicsTab({ app }: { app: Application }) {
  const query = useQuery(versions(app.name));
  const [chosen, setChosen] = useState(app.placements[0]?.device ?? "");
  const placement = app.placements.find((p) => p.device === chosen);
  if (!placement) return <Empty title="On no device">Topics are those of a device on which it runs.</Empty>;
  return (
    <Loaded query={query} height={220}>
      {(all) => {
        const version = all.find((v) => v.version === (placement.actual || placement.version));
        return (
          <Stack gap="sm">
            {app.placements.length > 1 && (
              <Group>
                <DevicePick label="Device" value={chosen} onChange={setChosen} ids={app.placements.map((p) => p.device)} />
              </Group>
            )}
            {version ? <OnDevice version={version} device={chosen} /> : <Empty title="The version is not stored any more" />}
            <Denied device={chosen} application={app.name} />
          </Stack>
        );
      }}
    </Loaded>
  );
}

function OnDevice({ version, device }: { version: ApplicationVersion; device: string }) {
  const { query, rates } = useTopics(device);
  return (
    <Loaded query={query} height={220}>
      {() => {
        const rows = usedBy(version, rates);
        if (rows.length === 0) return <Empty title="It may use no topics">Grant some under resources, or with a trigger.</Empty>;
        return (
          <>
            <Table
              label="Topics"
              columns={columns}
              rows={rows}
              id={(u) => `${u.does} ${u.topic}`}
              to={(u) => `/topics?device=${device}&filter=${encodeURIComponent(u.topic)}`}
            />
            <Text size="sm">
              <Link href={`/map?device=${device}&search=${version.name}`}>On the map</Link>
            </Text>
          </>
        );
      }}
    </Loaded>
  );
}

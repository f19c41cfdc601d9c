// Versions: every version that is stored; any of them can be deployed, which is how one
// rolls back, and compared with any other.
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { Application, ApplicationVersion } from "../api/client";
import { versions } from "../api/queries";
import { useRedeploy } from "../create/deploy";
import { DeviceChoice } from "../create/DeviceChoice";
import { Progress } from "../deployments/Progress";
import { Loaded } from "../parts/Loaded";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { listed } from "../parts/words";
import { Compare } from "./Compare";

export function Versions({ app }: { app: Application }) {
  const query = useQuery(versions(app.name));
  const [chosen, setChosen] = useState<ApplicationVersion>();
  const running = new Set(app.placements.map((p) => p.actual || p.version));
  const columns: Column<ApplicationVersion>[] = [
    { name: "Version", width: "minmax(56px, 1fr)", cell: (v) => <strong>{v.version}</strong> },
    { name: "Status", width: "minmax(90px, 1fr)", cell: (v) => <Status state={v.status} /> },
    { name: "Last word of a device", width: "minmax(150px, 1.5fr)", from: "md", cell: (v) => v.reported },
    { name: "Stored", width: "minmax(110px, 1fr)", from: "sm", cell: (v) => <When at={v.createdAt} /> },
    {
      name: "Actions",
      hideName: true,
      width: "106px",
      cell: (v) => (
        <Button size="compact-xs" variant="default" onClick={() => setChosen(v)}>
          {running.has(v.version) ? "Deploy again" : "Deploy"}
        </Button>
      ),
    },
  ];
  return (
    <Loaded query={query} height={220}>
      {(all) => (
        <Stack gap="lg">
          <Table label="Versions" columns={columns} rows={all} id={(v) => v.id} />
          {all.length > 1 && <Compare all={all} running={[...running][0]} />}
          {chosen && <Redeploy app={app} version={chosen.version} onClose={() => setChosen(undefined)} />}
        </Stack>
      )}
    </Loaded>
  );
}

function Redeploy({ app, version, onClose }: { app: Application; version: string; onClose: () => void }) {
  const [where, setWhere] = useState(app.placements.map((p) => p.device));
  const deploy = useRedeploy();
  return (
    <Modal opened onClose={onClose} title={`Deploy ${app.name} ${version}`} size="lg">
      <Stack gap="md">
        {deploy.data ? (
          <>
            <Progress id={deploy.data.id} devices={deploy.data.devices.map((d) => d.device)} />
            <Group justify="space-between">
              <Link href={`/deployments/${deploy.data.id}`}>Deployment {deploy.data.id}</Link>
              <Button onClick={onClose}>Close</Button>
            </Group>
          </>
        ) : (
          <>
            <Text size="sm">
              {where.length > 0 ? `It replaces the version on ${listed(where, "device")}.` : "Choose where it runs."} If it does
              not come up, the one before goes on.
            </Text>
            <Group gap="xs">
              <DeviceChoice value={where} onChange={setWhere} />
            </Group>
            {deploy.error && <Trouble error={deploy.error} title="Not deployed" />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button loading={deploy.isPending} onClick={() => deploy.mutate({ name: app.name, version, devices: where })}>
                Deploy {version}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Modal>
  );
}

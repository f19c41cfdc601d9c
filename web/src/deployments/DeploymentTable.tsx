// DeploymentTable lists deployments, newest first.
import { Button, Group, Switch } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Deployment } from "../api/client";
import { deploymentPages } from "../api/queries";
import { isTrial } from "../create/trial";
import { Empty } from "../parts/Empty";
import { countBy, Groups } from "../parts/Groups";
import { Loaded } from "../parts/Loaded";
import { Search } from "../parts/Search";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { When } from "../parts/When";
import { span } from "../parts/words";

const columns: Column<Deployment>[] = [
  { name: "Deployment", width: "minmax(150px, 2fr)", cell: (d) => `${d.name} ${d.version}` },
  { name: "Status", width: "minmax(104px, 1fr)", cell: (d) => <Status state={d.status} /> },
  {
    name: "On",
    width: "minmax(90px, 1fr)",
    from: "sm",
    cell: (d) => (d.devices.length === 1 ? d.devices[0]!.device : `${d.devices.length} devices`),
  },
  {
    name: "Reason",
    width: "minmax(140px, 2fr)",
    from: "lg",
    cell: (d) => (
      <span className="one-line" title={reason(d)}>
        {reason(d)}
      </span>
    ),
  },
  {
    name: "Took",
    width: "90px",
    from: "md",
    cell: (d) => (d.finishedAt ? span(Date.parse(d.finishedAt) - Date.parse(d.createdAt)) : "–"),
  },
  { name: "Begun", width: "minmax(110px, 1fr)", from: "sm", cell: (d) => <When at={d.createdAt} /> },
  { name: "Number", width: "64px", from: "md", cell: (d) => `#${d.id}` },
];

const reason = (d: Deployment) => d.devices.find((x) => x.message)?.message ?? "";

export function DeploymentTable({ application }: { application?: string }) {
  const query = useInfiniteQuery(deploymentPages(application));
  return (
    <Loaded query={query} height={260}>
      {(pages) => {
        const all = pages.pages.flatMap((p) => p.items);
        return all.length === 0 ? (
          <Empty title="No deployments yet">A deployment sets a version of an application to run on devices.</Empty>
        ) : (
          <>
            <List all={all} />
            {query.hasNextPage && (
              <div>
                <Button variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Older ones
                </Button>
              </div>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function List({ all }: { all: Deployment[] }) {
  const [search, setSearch] = useState("");
  const [status, setStatus] = useState("");
  const [trials, setTrials] = useState(false);
  const text = search.trim().toLowerCase();
  const some = trials ? all : all.filter((d) => !isTrial(d.version));
  const found = some.filter((d) => `${d.name} ${d.version} #${d.id}`.toLowerCase().includes(text));
  const rows = status ? found.filter((d) => d.status === status) : found;
  return (
    <>
      {all.length > 8 && (
        <Group gap="sm">
          <Search label="Search deployments" value={search} onChange={setSearch} />
          <Groups label="By status" counts={countBy(found, (d) => d.status)} value={status} onChange={setStatus} />
          {all.some((d) => isTrial(d.version)) && (
            <Switch size="xs" label="Trials too" checked={trials} onChange={(e) => setTrials(e.currentTarget.checked)} />
          )}
        </Group>
      )}
      <Table label="Deployments" columns={columns} rows={rows} id={(d) => d.id} to={(d) => `/deployments/${d.id}`} />
    </>
  );
}

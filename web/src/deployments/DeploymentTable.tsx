// DeploymentTable lists deployments, newest first.
import { useQuery } from "@tanstack/react-query";
import type { Deployment } from "../api/client";
import { deployments } from "../api/queries";
import { Empty } from "../parts/Empty";
import { Loaded } from "../parts/Loaded";
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
  { name: "Reason", width: "minmax(140px, 2fr)", from: "lg", cell: (d) => <span title={reason(d)}>{reason(d)}</span> },
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
  const query = useQuery(deployments(application));
  return (
    <Loaded query={query} height={260}>
      {(all) =>
        all.length === 0 ? (
          <Empty title="No deployments yet">A deployment sets a version of an application to run on devices.</Empty>
        ) : (
          <Table label="Deployments" columns={columns} rows={all} id={(d) => d.id} to={(d) => `/deployments/${d.id}`} />
        )
      }
    </Loaded>
  );
}

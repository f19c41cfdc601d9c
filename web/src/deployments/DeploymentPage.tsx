// DeploymentPage: one deployment, live while it goes on, and what can be done about it.
import { Button, Group } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { answer, api, type Deployment } from "../api/client";
import { deployment, deployments } from "../api/queries";
import { useRedeploy } from "../create/deploy";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Status } from "../parts/Status";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { Progress } from "./Progress";

export default function DeploymentPage({ id }: { id: number }) {
  const query = useQuery(deployment(id));
  const history = useQuery({ ...deployments(query.data?.name), enabled: query.data !== undefined });
  // The head comes whole, with what can be done: what stands below does not move then.
  const d = history.isPending ? undefined : query.data;
  return (
    <Page
      title={d ? `Deployment ${d.id}: ${d.name} ${d.version}` : `Deployment ${id}`}
      heading={
        d && (
          <>
            <Link href={`/applications/${d.name}`}>{d.name}</Link> {d.version}
          </>
        )
      }
      note={
        d && (
          <Group gap="sm">
            <Status state={d.status} />
            <span>
              Deployment {d.id}, begun <When at={d.createdAt} />
            </span>
            <Link href={`/applications/${d.name}/logs`}>Output</Link>
          </Group>
        )
      }
      actions={d && <Actions deployment={d} history={history.data ?? []} />}
    >
      <Loaded query={query} height={320}>
        {(shown) => d && <Progress id={shown.id} devices={shown.devices.map((x) => x.device)} />}
      </Loaded>
    </Page>
  );
}

const underWay = (d: Deployment) => d.status === "queued" || d.status === "running";

function Actions({ deployment: d, history }: { deployment: Deployment; history: Deployment[] }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const cancel = useMutation({
    mutationFn: () => answer(api.POST("/v1/deployments/{id}/cancel", { params: { path: { id: d.id } } })),
    onSettled: () => client.invalidateQueries(),
  });
  const back = useRedeploy();
  const before = previous(d, history);
  const rollBack = (version: string) =>
    back.mutate(
      { name: d.name, version, devices: d.devices.map((x) => x.device) },
      { onSuccess: (made) => go(`/deployments/${made.id}`) },
    );
  return (
    <>
      {underWay(d) && (
        <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
          Cancel the deployment
        </Button>
      )}
      {!underWay(d) && before && (
        <Button variant="default" loading={back.isPending} onClick={() => rollBack(before.version)}>
          Roll back to {before.version}
        </Button>
      )}
      {(cancel.error || back.error) && <Trouble error={cancel.error ?? back.error} />}
    </>
  );
}

// previous is the newest deployment before this one that brought another version up.
function previous(d: Deployment, history: Deployment[]) {
  const newest = history[0]?.id === d.id;
  return newest ? history.find((x) => x.id < d.id && x.version !== d.version && x.status === "succeeded") : undefined;
}

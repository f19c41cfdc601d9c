// DeploymentPage: one deployment, live while it goes on, and what can be done about it.
import { Button, Group, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { answer, api, type Deployment } from "../api/client";
import { deployment, deployments, versions } from "../api/queries";
import { Between } from "../applications/Compare";
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
        {(shown) =>
          d && (
            <>
              {/* Above the steps, whose list grows. */}
              <Changes deployment={d} history={history.data ?? []} />
              <Progress id={shown.id} devices={shown.devices.map((x) => x.device)} />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

// Changes shows what this deployment brought that the one before had not.
function Changes({ deployment: d, history }: { deployment: Deployment; history: Deployment[] }) {
  const [open, setOpen] = useState(false);
  const before = previous(d, history);
  if (!before) return null;
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>What changed since {before.version}</summary>
      {open && <ChangesOf name={d.name} from={before.version} to={d.version} />}
    </details>
  );
}

function ChangesOf({ name, from, to }: { name: string; from: string; to: string }) {
  const query = useQuery(versions(name));
  return (
    <Loaded query={query} height={160}>
      {(all) => {
        const [a, b] = [all.find((v) => v.version === from), all.find((v) => v.version === to)];
        return a && b ? <Between a={a} b={b} /> : <Text size="sm">One of the two is not stored any more.</Text>;
      }}
    </Loaded>
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
  // What did not come up was taken back by the device itself, and older ones are history.
  const current = d.status === "succeeded" && history[0]?.id === d.id;
  const before = current ? previous(d, history) : undefined;
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
      {before && (
        <Button variant="default" loading={back.isPending} onClick={() => rollBack(before.version)}>
          Roll back to {before.version}
        </Button>
      )}
      {(cancel.error || back.error) && <Trouble error={cancel.error ?? back.error} />}
    </>
  );
}

// previous is the newest deployment before this one that brought another version up.
const previous = (d: Deployment, history: Deployment[]) =>
  history.find((x) => x.id < d.id && x.version !== d.version && x.status === "succeeded");

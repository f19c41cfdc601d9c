// What needs a person: everything that does not mend itself.
import type { Application, Deployment, Device } from "../api/client";
import { stateOf } from "../applications/state";

export interface Need {
  key: string;
  title: string;
  reason: string;
  to: string;
}

export function needs(apps: Application[], deployments: Deployment[], devices: Device[]): Need[] {
  return [...failing(apps), ...failedDeployments(apps, deployments), ...away(devices)];
}

const failing = (apps: Application[]): Need[] =>
  apps
    .flatMap((a) => a.placements)
    .filter((p) => ["failed", "restarting"].includes(stateOf(p)))
    .map((p) => ({
      key: `app ${p.name} ${p.device}`,
      title: `${p.name} ${stateOf(p) === "failed" ? "has failed" : "restarts again and again"} on ${p.device}`,
      reason: p.message,
      to: `/applications/${p.name}/logs`,
    }));

// The newest deployment of an application counts: an older failure is mended, or given up.
// Of one that was deleted, such as a trial, nothing needs a person any more.
function failedDeployments(apps: Application[], deployments: Deployment[]): Need[] {
  const there = new Set(apps.map((a) => a.name));
  const newest = new Map<string, Deployment>();
  for (const d of deployments) if ((newest.get(d.name)?.id ?? 0) < d.id) newest.set(d.name, d);
  return [...newest.values()]
    .filter((d) => d.status === "failed" && there.has(d.name))
    .map((d) => ({
      key: `deployment ${d.id}`,
      title: `${d.name} ${d.version} could not be deployed`,
      reason: d.devices.find((x) => x.message)?.message ?? "",
      to: `/deployments/${d.id}`,
    }));
}

const away = (devices: Device[]): Need[] =>
  devices
    .filter((d) => !d.connected)
    .map((d) => ({
      key: `device ${d.id}`,
      title: `${d.id} is not connected`,
      reason: "What runs on it goes on running.",
      to: `/devices/${d.id}`,
    }));

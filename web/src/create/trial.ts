// A trial runs what is written once, without replacing what runs: as an application of
// its own beside it, with no triggers, which is taken away again.
import { answer, api, type Deployment, type LogLine } from "../api/client";
import { Failure, type Problem, problemOf } from "../api/failure";
import { follow } from "../api/follow";
import { type Files, pack } from "./archive";
import { configurationFile } from "./templates";
import { change, read } from "./yaml";

export interface Trial {
  took: number; // milliseconds, of the call alone
  answer: string;
  problem?: Problem; // of the handler
  output: string[];
}

export interface ToTry {
  config: string;
  files: Files;
  device: string;
  event: string;
}

// trialConfig is the configuration under a name of its own. What a trigger would call
// it for stays with the version that runs.
export function trialConfig(config: string, now: number): { name: string; config: string } {
  const name = `${String(read(config)?.name ?? "application").slice(0, 57)}-trial`.replace(/-+trial$/, "-trial");
  let text = change(config, ["name"], name);
  text = change(text, ["version"], `0.0.0-trial.${now}`);
  return { name, config: change(text, ["triggers"], undefined) };
}

export async function runTrial({ config, files, device, event }: ToTry, say: (what: string) => void): Promise<Trial> {
  const trial = trialConfig(config, Date.now());
  try {
    say("Preparing it beside what runs…");
    await deployed(await deploy(trial.config, files, device));
    say("Calling it…");
    const called = await call(trial.name, device, event);
    return { ...called, output: await outputOf(trial.name, device) };
  } finally {
    // Best effort: what stays behind has no triggers, and the next trial replaces it.
    await api
      .DELETE("/v1/applications/{name}", { params: { path: { name: trial.name }, query: { versions: true } } })
      .catch(() => {});
  }
}

async function deploy(config: string, files: Files, device: string): Promise<Deployment> {
  const form = new FormData();
  form.append("configuration", config);
  if (device) form.append("devices", device);
  form.append("artifact", await pack({ ...files, [configurationFile]: config }), "artifact.tar.gz");
  return answer(api.POST("/v1/deployments", { body: form as never, bodySerializer: (b) => b as never }));
}

// deployed waits until the deployment has ended, and throws its reason if it failed.
function deployed(d: Deployment): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = follow(`/v1/deployments/${d.id}/events`, {
      onEvent: (e) => {
        if (e.event !== "end") return;
        end();
        const over = JSON.parse(e.data) as Deployment;
        if (over.status === "succeeded") return resolve();
        const detail = over.devices.find((x) => x.message)?.message ?? `The trial ended as ${over.status}.`;
        reject(new Failure({ type: "", title: "It does not come up", status: 0, code: "trial", detail }));
      },
      onState: (s) => s.kind === "failed" && reject(s.failure),
    });
  });
}

async function call(name: string, device: string, event: string) {
  const begun = performance.now();
  const { data, error, response } = await api.POST("/v1/applications/{name}/invoke", {
    params: { path: { name }, query: device ? { device } : {} },
    body: event,
    bodySerializer: (b) => b,
    headers: { "Content-Type": "application/json" },
    parseAs: "text",
  });
  const took = performance.now() - begun;
  if (response.ok) return { took, answer: String(data ?? "") };
  return { took, answer: "", problem: problemOf(response.status, error) };
}

async function outputOf(name: string, device: string): Promise<string[]> {
  const list = await answer<{ items: LogLine[] }>(
    api.GET("/v1/applications/{name}/logs", {
      params: { path: { name }, query: { tail: 200, ...(device ? { device } : {}) } },
    }) as never,
  );
  return list.items.filter((l) => l.stream !== "engine").map((l) => l.text);
}

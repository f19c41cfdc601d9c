// A trial runs what is written once, without replacing what runs: as an application of
// its own beside it, with no triggers, which is taken away again.
import { answer, api, type Deployment, type LogLine, type StoredEvent } from "../api/client";
import { Failure, type Problem, problemOf } from "../api/failure";
import { follow } from "../api/follow";
import { courses, stepWords } from "../deployments/progress";
import { type Files, pack } from "./archive";
import { configurationFile } from "./templates";
import { change, read } from "./yaml";

export interface Trial {
  took: number; // milliseconds, of the call alone; 0 if it did not come to it
  answer: string;
  problem?: Problem; // why it did not come up, or the handler's
  output: string[];
}

export interface ToTry {
  config: string;
  files: Files;
  device: string; // "": the only one there is
  event: string;
  signal: AbortSignal;
}

const trialVersion = "0.0.0-trial.";

// isTrial tells a trial from what people deploy.
export const isTrial = (version: string) => version.startsWith(trialVersion);

// trialConfig is the configuration under a name of its own. What a trigger would call
// it for stays with the version that runs.
export function trialConfig(config: string, now: number): { name: string; config: string } {
  const name = `${String(read(config)?.name ?? "application").slice(0, 57)}-trial`.replace(/-+trial$/, "-trial");
  let text = change(config, ["name"], name);
  text = change(text, ["version"], trialVersion + now);
  return { name, config: change(text, ["triggers"], undefined) };
}

export async function runTrial({ config, files, device, event, signal }: ToTry, say: (what: string) => void): Promise<Trial> {
  const trial = trialConfig(config, Date.now());
  await free(trial.name);
  await reachable(device);
  const remove = () => void takeAway(trial.name, true);
  window.addEventListener("pagehide", remove);
  try {
    say("Preparing it beside what runs…");
    const failed = await deployed(await deploy(trial.config, files, device), signal, say);
    if (failed) return failed.output.length > 0 ? failed : { ...failed, output: await outputOf(trial.name, device) };
    say("Calling it…");
    const called = await call(trial.name, device, event, signal);
    return { ...called, output: await outputOf(trial.name, device) };
  } finally {
    window.removeEventListener("pagehide", remove);
    say("Taking it away…");
    await takeAway(trial.name);
  }
}

// takeAway is best effort: what stays behind has no triggers, and the next trial replaces it.
const takeAway = (name: string, keepalive = false) =>
  api
    .DELETE("/v1/applications/{name}", { params: { path: { name }, query: { versions: true } }, keepalive })
    .catch(() => undefined);

// free sees that the trial's name is nobody else's: the trial would replace and delete it.
async function free(name: string) {
  const { data, response } = await api.GET("/v1/applications/{name}", { params: { path: { name } } });
  if (response.status === 404 || !data || isTrial(data.latest)) return;
  throw refused("The trial has no name", `There is an application called ${name}, which a trial would replace.`);
}

async function reachable(device: string) {
  if (!device) return;
  const d = await answer(api.GET("/v1/devices/{id}", { params: { path: { id: device } } }));
  if (!d.connected) throw refused("The device is not connected", `Nothing can be tried on ${device} until it is back.`);
}

const refused = (title: string, detail: string) => new Failure({ type: "", title, status: 409, code: "trial", detail });

async function deploy(config: string, files: Files, device: string): Promise<Deployment> {
  const form = new FormData();
  form.append("configuration", config);
  if (device) form.append("devices", device);
  form.append("artifact", await pack({ ...files, [configurationFile]: config }), "artifact.tar.gz");
  return answer(api.POST("/v1/deployments", { body: form as never, bodySerializer: (b) => b as never }));
}

// deployed waits until the deployment has ended, and tells why if it failed. The device's
// stages have deadlines; a device that goes away is waited for until the signal.
function deployed(d: Deployment, signal: AbortSignal, say: (what: string) => void): Promise<Trial | undefined> {
  return new Promise((resolve, reject) => {
    const events: StoredEvent[] = [];
    const end = follow(`/v1/deployments/${d.id}/events`, {
      onEvent: (e) => {
        if (e.event === "event") {
          const event = JSON.parse(e.data) as StoredEvent;
          events.push(event);
          if (event.status === "started") say(`${stepWords[event.step ?? ""] ?? event.step}…`);
        }
        if (e.event === "end") {
          end();
          resolve(failureIn(JSON.parse(e.data), events));
        }
      },
      onState: (s) => s.kind === "failed" && reject(s.failure),
    });
    signal.addEventListener("abort", () => {
      end();
      reject(stopped());
    });
  });
}

const stopped = () => refused("The trial was stopped", "What was made of it has been taken away.");

function failureIn(end: Deployment, events: StoredEvent[]): Trial | undefined {
  if (end.status === "succeeded") return undefined;
  const course = courses(events).find((c) => c.outcome !== "succeeded");
  const detail = course?.message || end.devices.find((x) => x.message)?.message || `The trial ended as ${end.status}.`;
  const problem = { type: "", title: "It does not come up", status: 422, code: "trial", detail, hint: course?.hint };
  return { took: 0, answer: "", problem, output: course?.lastLogs ?? [] };
}

// The device ends a call by the limit of the configuration; the server waits longer.
const longestCall = "1h";

async function call(name: string, device: string, event: string, signal: AbortSignal) {
  const begun = performance.now();
  const { data, error, response } = await api
    .POST("/v1/applications/{name}/invoke", {
      params: { path: { name }, query: { timeout: longestCall, ...(device ? { device } : {}) } },
      body: event,
      bodySerializer: (b) => b,
      headers: { "Content-Type": "application/json" },
      parseAs: "text",
      signal,
    })
    .catch((e) => {
      throw signal.aborted ? stopped() : e;
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

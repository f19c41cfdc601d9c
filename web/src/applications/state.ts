// How an application is, over all devices, in one word; and what of it is not deployed.
import type { Application, Placement } from "../api/client";
import type { Tone } from "../parts/Status";

export interface Summary {
  state: string;
  tone: Tone;
  detail: string; // "2 of 3 devices"
}

// What needs a person comes first, what goes on comes next.
const order = ["failed", "restarting", "deploying", "running", "stopped", "removed"];

export function summary(placements: Placement[]): Summary {
  if (placements.length === 0) return { state: "not deployed", tone: "idle", detail: "" };
  const state = order.find((s) => placements.some((p) => stateOf(p) === s)) ?? stateOf(placements[0]!);
  const n = placements.filter((p) => stateOf(p) === state).length;
  const tones: Record<string, Tone> = { failed: "bad", restarting: "warn", deploying: "busy", running: "good" };
  return {
    state,
    tone: tones[state] ?? "idle",
    detail: placements.length === 1 ? placements[0]!.device : `${n} of ${placements.length} devices`,
  };
}

// stateOf is the state a reader should see: one that was asked for and has not come is under way.
export function stateOf(p: Placement): string {
  if (!p.state) return "deploying";
  if (p.desired === "running" && p.state === "stopped") return "deploying";
  return p.state;
}

// urgency is smaller the more a placement needs a person.
export function urgency(p: Placement): number {
  const i = order.indexOf(stateOf(p));
  return i < 0 ? order.length : i;
}

// undeployed is the newest version if a device that has the application does not run it.
export function undeployed(app: Application): string {
  const behind = app.placements.length === 0 || app.placements.some((p) => p.version !== app.latest);
  return behind ? app.latest : "";
}

// runningVersions are the versions that devices report, without repetition.
export function runningVersions(placements: Placement[]): string[] {
  return [...new Set(placements.map((p) => p.actual || p.version))].sort();
}

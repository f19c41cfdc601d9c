// What a deployment's events say of its course on each device.
import type { Deployment, StoredEvent } from "../api/client";

export const steps = [
  "fetch",
  "verify",
  "unpack",
  "dependencies",
  "permissions",
  "commands",
  "start",
  "healthy",
  "switch",
] as const;

export const stepWords: Record<string, string> = {
  fetch: "Fetch the artifact",
  verify: "Check digest and platform",
  unpack: "Unpack",
  dependencies: "Dependencies",
  permissions: "Permissions",
  commands: "Preparing commands",
  start: "Start",
  healthy: "See that it stays up",
  switch: "Replace the version before",
};

export interface StepCourse {
  step: string;
  status: string; // "" before it begins
  took?: number; // milliseconds
  message: string;
}

export interface Course {
  device: string;
  steps: StepCourse[];
  outcome: string; // "" while it goes on
  message: string;
  hint: string;
  lastLogs: string[];
}

export function courses(events: StoredEvent[]): Course[] {
  const all = new Map<string, Course>();
  const begun = new Map<string, number>();
  for (const e of events) {
    let course = all.get(e.device);
    if (!course) all.set(e.device, (course = fresh(e.device)));
    if (e.kind === "step") takeStep(course, e, begun);
    if (e.kind === "deployment") course.outcome = e.status ?? "";
    if (e.status === "failed") blame(course, e);
  }
  return [...all.values()].sort((a, b) => a.device.localeCompare(b.device));
}

const fresh = (device: string): Course => ({
  device,
  steps: steps.map((step) => ({ step, status: "", message: "" })),
  outcome: "",
  message: "",
  hint: "",
  lastLogs: [],
});

function takeStep(course: Course, e: StoredEvent, begun: Map<string, number>) {
  let step = course.steps.find((s) => s.step === e.step);
  if (!step) course.steps.push((step = { step: e.step ?? "", status: "", message: "" })); // of a newer agent
  const key = `${e.device}/${e.step}`;
  step.status = e.status ?? "";
  step.message = e.message ?? "";
  if (e.status === "started") begun.set(key, Date.parse(e.time));
  else if (begun.has(key)) step.took = Date.parse(e.time) - begun.get(key)!;
}

// The first failure is the cause; what comes after it are its consequences.
function blame(course: Course, e: StoredEvent) {
  course.message ||= e.message ?? "";
  course.hint ||= e.hint ?? "";
  if (course.lastLogs.length === 0) course.lastLogs = e.lastLogs ?? [];
}

// outcomeOn is how a deployment that is over ended on a device that told nothing.
export const outcomeOn = (end: Deployment, device: string) => end.devices.find((d) => d.device === device)?.status ?? end.status;

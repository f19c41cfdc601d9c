// What an event tells, in a few words.
import type { StoredEvent } from "../api/client";

// notable leaves out what is under way: its outcome, which comes later, says how it went.
export const notable = (e: StoredEvent) => e.kind !== "step" && e.status !== "deploying";

export function sentence(e: StoredEvent): string {
  const what = [e.application, e.version].filter(Boolean).join(" ");
  switch (e.kind) {
    case "deployment":
      return `Deployment of ${what} on ${e.device}`;
    case "application":
      return `${what} on ${e.device}`;
    case "denial":
      return what ? `${what} on ${e.device}` : e.device;
  }
  return [e.device, what].filter(Boolean).join(", ");
}

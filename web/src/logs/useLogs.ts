import { useEffect, useState } from "react";
import { follow, type StreamState } from "../api/follow";
import { LogBuffer } from "./buffer";
import type { Range } from "./range";

// useLogs follows the output of an application, a device, or all (""), or reads that of a time.
export function useLogs(application: string, device: string, { from, to }: Range) {
  const [buffer] = useState(() => new LogBuffer());
  const [state, setState] = useState<StreamState>({ kind: "connecting" });
  useEffect(() => {
    buffer.limit({ outputs: 0, followed: 0 });
    buffer.clear();
    const query = new URLSearchParams({ tail: from || to ? "10000" : application ? "2000" : "300" });
    if (application) query.set("application", application);
    if (device) query.set("device", device);
    if (from) query.set("since", from);
    if (to) query.set("until", to);
    return follow(`/v1/logs?${query}`, {
      onEvent: (e) => {
        if (e.event === "log") buffer.add(JSON.parse(e.data));
        if (e.event === "limited") buffer.limit(JSON.parse(e.data));
        if (e.event === "dropped") buffer.drop(JSON.parse(e.data).count);
      },
      onState: setState,
    });
  }, [application, device, from, to, buffer]);
  return { buffer, state };
}

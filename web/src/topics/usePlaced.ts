// usePlaced is the applications of a device with what the version on it grants.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Schemas } from "../api/client";
import { applicationsOn, versionsOn } from "../api/queries";
import { grantsOf } from "../applications/grants";
import { causeOf } from "../applications/trigger";

export interface Placed {
  name: string;
  state: string;
  grants: { subscribe: string[]; publish: string[] };
  causes: string[]; // of its calls, beside topics
}

const causesOf = (c: Schemas["Configuration"]) => (c.triggers ?? []).flatMap((t) => causeOf(t) ?? []);

export function usePlaced(device: string): Placed[] {
  const enabled = device !== "";
  const apps = useQuery({ ...applicationsOn(device), enabled }).data;
  const stored = useQuery({ ...versionsOn(device), enabled }).data;
  return useMemo(() => {
    const placed: Placed[] = [];
    const known = new Map(stored?.map((v) => [`${v.name} ${v.version}`, v]));
    for (const app of apps ?? []) {
      const p = app.placements.find((p) => p.device === device);
      const version = p && known.get(`${app.name} ${p.actual || p.version}`);
      if (p && version)
        placed.push({
          name: app.name,
          state: p.state,
          grants: grantsOf(version.configuration),
          causes: causesOf(version.configuration),
        });
    }
    return placed;
  }, [apps, stored, device]);
}

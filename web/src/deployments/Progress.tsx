// Progress shows a deployment step by step as it goes, on each device. It ends: with
// success, or with the reason and the last lines of output.
import { Group, Stack, Text } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import type { Deployment, StoredEvent } from "../api/client";
import { follow, type StreamState } from "../api/follow";
import { Status } from "../parts/Status";
import { Trouble } from "../parts/Trouble";
import { DeviceProgress } from "./DeviceProgress";
import { OfMany } from "./OfMany";
import { courses, outcomeOn } from "./progress";

// Events of many devices come at once; the page takes them some times a second.
const pause = 100;

export function useProgress(id: number) {
  const [events, setEvents] = useState<StoredEvent[]>([]);
  const [end, setEnd] = useState<Deployment>();
  const [state, setState] = useState<StreamState>({ kind: "connecting" });
  useEffect(() => {
    setEvents([]);
    setEnd(undefined);
    let waiting: StoredEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const came = waiting;
      waiting = [];
      setEvents((all) => [...all, ...came]);
    };
    const unfollow = follow(`/v1/deployments/${id}/events`, {
      onEvent: (e) => {
        if (e.event === "event") waiting.push(JSON.parse(e.data));
        if (e.event === "end") setEnd(JSON.parse(e.data));
        timer ??= setTimeout(flush, e.event === "end" ? 0 : pause);
      },
      onState: setState,
    });
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [id]);
  return { courses: useMemo(() => courses(events), [events]), end, state };
}

// Up to so many devices are shown step by step; of more, those that need a look.
const few = 12;

export function Progress({ id, devices }: { id: number; devices: string[] }) {
  const { courses: all, end, state } = useProgress(id);
  if (state.kind === "failed") return <Trouble error={state.failure} />;
  const known = new Set(all.map((c) => c.device));
  const silent = devices.filter((d) => !known.has(d));
  if (devices.length > few) return <OfMany all={all} silent={silent} end={end} />;
  return (
    <Stack gap="sm">
      {all.map((course) => (
        <DeviceProgress key={course.device} course={course} open={devices.length <= 3} over={end !== undefined} />
      ))}
      {silent.map((device) => (
        <Group key={device} className="card" px="md" py="sm" gap="md">
          <Text fw={600} size="sm">
            {device}
          </Text>
          <Status state={end ? outcomeOn(end, device) : "queued"}>{end ? undefined : "waits for the device"}</Status>
          {end && <Text size="sm">{end.devices.find((d) => d.device === device)?.message}</Text>}
        </Group>
      ))}
    </Stack>
  );
}

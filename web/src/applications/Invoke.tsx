// Invoke calls a function with an event that one writes.
import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, type Application } from "../api/client";
import { DevicePick } from "../devices/DevicePick";
import { Failure, problemOf } from "../api/failure";
import { Trouble } from "../parts/Trouble";
import { bytes, span } from "../parts/words";
import { EventInput, isJSON, pretty } from "./EventInput";

interface Outcome {
  text: string;
  took: number;
}

export function Invoke({ app }: { app: Application }) {
  const [body, setBody] = useState('{"name": "Ada"}');
  const [device, setDevice] = useState(app.placements[0]?.device ?? "");
  const stop = useRef<AbortController>(null);
  const invoke = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      return call(app.name, device, body, stop.current.signal);
    },
  });
  return (
    <Stack component="section" className="card" p="lg" gap="sm" aria-label="Invoke">
      <Title order={2}>Invoke</Title>
      <EventInput application={app.name} value={body} onChange={setBody} />
      <Group gap="xs">
        {app.placements.length > 1 && (
          <DevicePick label="Device" size="sm" value={device} onChange={setDevice} ids={app.placements.map((p) => p.device)} />
        )}
        <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} loading={invoke.isPending} onClick={() => invoke.mutate()}>
          Invoke
        </Button>
        {invoke.isPending && (
          <Button variant="subtle" onClick={() => stop.current?.abort()}>
            Stop waiting
          </Button>
        )}
        {invoke.data && (
          <Text size="sm" c="dimmed" role="status">
            answered in {span(invoke.data.took)}, {bytes(new Blob([invoke.data.text]).size)}
          </Text>
        )}
      </Group>
      {invoke.error && <Trouble error={invoke.error} />}
      {invoke.data && (
        <pre className="text" aria-label="Answer" tabIndex={0}>
          {invoke.data.text || "(empty)"}
        </pre>
      )}
    </Stack>
  );
}

// The device ends a call by the limit of the configuration; the server waits longer.
async function call(name: string, device: string, body: string, signal: AbortSignal): Promise<Outcome> {
  const begun = performance.now();
  const { data, error, response } = await api.POST("/v1/applications/{name}/invoke", {
    params: { path: { name }, query: { timeout: "1h", device } },
    body,
    bodySerializer: (b) => b,
    headers: { "Content-Type": isJSON(body) ? "application/json" : "text/plain" },
    parseAs: "text",
    signal,
  });
  const took = performance.now() - begun;
  if (!response.ok) throw new Failure(problemOf(response.status, error));
  return { text: pretty(String(data ?? "")), took };
}

// TrialPanel calls what is written once, before it is deployed.
import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Failure } from "../api/failure";
import { devices } from "../api/queries";
import { EventInput, pretty } from "../applications/EventInput";
import { DevicePick } from "../devices/DevicePick";
import { Trouble } from "../parts/Trouble";
import { span } from "../parts/words";
import type { Files } from "./archive";
import { runTrial, type Trial } from "./trial";

interface TrialPanelProps {
  name: string;
  config: string;
  files: Files;
  device: string; // proposed
}

export function TrialPanel({ name, config, files, device }: TrialPanelProps) {
  const [event, setEvent] = useState('{"name": "Ada"}');
  const [doing, setDoing] = useState("");
  const [chosen, setChosen] = useState<string>();
  const connected = useQuery({ ...devices, select: (all) => all.filter((d) => d.connected).map((d) => d.id) }).data ?? [];
  const on = [chosen, device].find((d) => d && connected.includes(d)) ?? connected[0] ?? "";
  const stop = useRef<AbortController>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const trial = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      return runTrial({ config, files, device: on, event, signal: stop.current.signal }, setDoing);
    },
    onSettled: () => setDoing(""),
  });
  return (
    <Stack component="section" className="card" p="md" gap="xs" aria-label="Try it">
      <Title order={2}>Try it</Title>
      <Text size="sm" c="dimmed">
        Calls the handler once with this event, beside the version that runs. It may publish what its resources grant; its
        triggers are left out.
      </Text>
      <EventInput application={name} value={event} onChange={setEvent} />
      <Group gap="sm">
        {connected.length > 1 && <DevicePick label="Device of the trial" value={on} onChange={setChosen} ids={connected} />}
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          loading={trial.isPending}
          disabled={connected.length === 0}
          onClick={() => trial.mutate()}
        >
          Run once
        </Button>
        {trial.isPending && (
          <Button size="xs" variant="subtle" onClick={() => stop.current?.abort()}>
            Stop it
          </Button>
        )}
        <Text size="sm" c="dimmed" role="status">
          {doing ||
            (trial.data && trial.data.took > 0 && `ran for ${span(trial.data.took)}`) ||
            (connected.length === 0 && "No device is connected.")}
        </Text>
      </Group>
      {trial.error && (
        <Trouble error={trial.error} title={trial.error instanceof Failure ? trial.error.problem.title : undefined} />
      )}
      {trial.data && !trial.isPending && <Result trial={trial.data} />}
    </Stack>
  );
}

function Result({ trial }: { trial: Trial }) {
  return (
    <>
      {trial.problem ? (
        <Trouble error={new Failure(trial.problem)} />
      ) : (
        <pre className="text" aria-label="Answer" tabIndex={0}>
          {pretty(trial.answer) || "(empty)"}
        </pre>
      )}
      {trial.output.length > 0 && (
        <>
          <Text size="xs" c="dimmed">
            Output
          </Text>
          <pre className="text" aria-label="Output" tabIndex={0}>
            {trial.output.join("\n")}
          </pre>
        </>
      )}
    </>
  );
}

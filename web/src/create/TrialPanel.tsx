// TrialPanel calls what is written once, before it is deployed.
import { Button, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Failure } from "../api/failure";
import { pretty } from "../applications/Invoke";
import { Trouble } from "../parts/Trouble";
import { span } from "../parts/words";
import type { Files } from "./archive";
import { runTrial, type Trial } from "./trial";

export function TrialPanel({ config, files, device }: { config: string; files: Files; device: string }) {
  const [event, setEvent] = useState('{"name": "Ada"}');
  const [doing, setDoing] = useState("");
  const trial = useMutation({
    mutationFn: () => runTrial({ config, files, device, event }, setDoing),
    onSettled: () => setDoing(""),
  });
  return (
    <Stack component="section" className="card" p="md" gap="xs" aria-label="Try it">
      <Title order={2}>Try it</Title>
      <Text size="sm" c="dimmed">
        Calls the handler once with this event, beside the version that runs. It may publish what its resources grant; its
        triggers are left out.
      </Text>
      <Textarea
        size="xs"
        label="Event"
        autosize
        minRows={2}
        maxRows={10}
        classNames={{ input: "mono" }}
        value={event}
        onChange={(e) => setEvent(e.currentTarget.value)}
        spellCheck={false}
      />
      <Group gap="sm">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          loading={trial.isPending}
          onClick={() => trial.mutate()}
        >
          Run once
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {doing || (trial.data && `ran for ${span(trial.data.took)}`)}
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

// Invoke calls a function with an event that one writes, and keeps events that one
// wants to use again.
import { ActionIcon, Button, Group, NativeSelect, Stack, Text, Textarea, TextInput, Title, Tooltip } from "@mantine/core";
import { IconDeviceFloppy, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Application } from "../api/client";
import { Failure, problemOf } from "../api/failure";
import { Trouble } from "../parts/Trouble";
import { bytes, span } from "../parts/words";
import { savedEvents } from "./savedEvents";

interface Outcome {
  text: string;
  took: number;
}

export function Invoke({ app }: { app: Application }) {
  const [body, setBody] = useState('{"name": "Ada"}');
  const [device, setDevice] = useState(app.placements[0]?.device ?? "");
  const invoke = useMutation({ mutationFn: () => call(app.name, device, body) });
  const json = isJSON(body);
  return (
    <Stack component="section" className="card" p="lg" gap="sm" aria-label="Invoke">
      <Title order={2}>Invoke</Title>
      <SavedEvents name={app.name} body={body} onChoose={setBody} />
      <Textarea
        label="Event"
        description={json ? "JSON" : "Sent as text: it is not JSON"}
        autosize
        minRows={3}
        maxRows={14}
        classNames={{ input: "mono" }}
        value={body}
        onChange={(e) => setBody(e.currentTarget.value)}
        spellCheck={false}
      />
      <Group gap="xs">
        {app.placements.length > 1 && (
          <NativeSelect
            aria-label="Device"
            value={device}
            onChange={(e) => setDevice(e.currentTarget.value)}
            data={app.placements.map((p) => p.device)}
          />
        )}
        <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} loading={invoke.isPending} onClick={() => invoke.mutate()}>
          Invoke
        </Button>
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

async function call(name: string, device: string, body: string): Promise<Outcome> {
  const begun = performance.now();
  const { data, error, response } = await api.POST("/v1/applications/{name}/invoke", {
    params: { path: { name }, query: { device } },
    body,
    bodySerializer: (b) => b,
    headers: { "Content-Type": isJSON(body) ? "application/json" : "text/plain" },
    parseAs: "text",
  });
  const took = performance.now() - begun;
  if (!response.ok) throw new Failure(problemOf(response.status, error));
  return { text: pretty(String(data ?? "")), took };
}

function isJSON(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export const pretty = (text: string) => (isJSON(text) ? JSON.stringify(JSON.parse(text), null, 2) : text);

function SavedEvents({ name, body, onChoose }: { name: string; body: string; onChoose: (body: string) => void }) {
  const [saved, setSaved] = useState(() => savedEvents.of(name));
  const [title, setTitle] = useState("");
  const names = Object.keys(saved).sort();
  const keep = (events: Record<string, string>) => {
    savedEvents.keep(name, events);
    setSaved(events);
  };
  const save = () => {
    if (title) keep({ ...saved, [title]: body });
  };
  return (
    <Group gap="xs" wrap="nowrap">
      {names.length > 0 && (
        <NativeSelect
          aria-label="Saved events"
          size="xs"
          value={names.includes(title) ? title : ""}
          onChange={(e) => {
            const chosen = e.currentTarget.value;
            setTitle(chosen);
            if (chosen) onChoose(saved[chosen]!);
          }}
          data={[{ value: "", label: "Saved events" }, ...names]}
        />
      )}
      <TextInput
        className="grow"
        size="xs"
        aria-label="Name of the event"
        placeholder="Name, to save this event"
        value={title}
        onChange={(e) => setTitle(e.currentTarget.value)}
      />
      <Tooltip label="Save this event in this browser">
        <ActionIcon variant="default" size={30} aria-label="Save the event" disabled={!title} onClick={save}>
          <IconDeviceFloppy size={16} />
        </ActionIcon>
      </Tooltip>
      {title in saved && (
        <Tooltip label="Remove the saved event">
          <ActionIcon
            variant="default"
            size={30}
            aria-label="Remove the saved event"
            onClick={() => {
              const { [title]: _, ...rest } = saved;
              keep(rest);
              setTitle("");
            }}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Tooltip>
      )}
    </Group>
  );
}

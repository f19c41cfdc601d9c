// EventInput is an event that a function is called with: written, or one of those that
// are kept in this browser because they are wanted again.
import { ActionIcon, Group, NativeSelect, Textarea, TextInput, Tooltip } from "@mantine/core";
import { IconDeviceFloppy, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { savedEvents } from "./savedEvents";

interface EventInputProps {
  application: string;
  value: string;
  onChange: (event: string) => void;
}

export function EventInput({ application, value, onChange }: EventInputProps) {
  return (
    <>
      <SavedEvents key={application} name={application} body={value} onChoose={onChange} />
      <Textarea
        label="Event"
        description={isJSON(value) ? "JSON" : "Sent as text: it is not JSON"}
        autosize
        minRows={3}
        maxRows={14}
        classNames={{ input: "mono" }}
        value={value}
        onChange={(e) => onChange(e.currentTarget.value)}
        spellCheck={false}
      />
    </>
  );
}

export function isJSON(text: string): boolean {
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

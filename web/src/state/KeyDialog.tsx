// KeyDialog shows what a key holds, changes it, deletes it, or makes a new one.
import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { answer, api } from "../api/client";
import { Loaded } from "../parts/Loaded";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { base64Of, hexOf, textOf } from "./value";

interface KeyDialogProps {
  name: string;
  device: string;
  at: string;
  fresh: boolean;
  onClose: () => void;
}

export function KeyDialog({ name, device, at, fresh, onClose }: KeyDialogProps) {
  const query = useQuery({
    queryKey: ["state-value", name, device, at],
    queryFn: () =>
      answer(api.GET("/v1/applications/{name}/state/value", { params: { path: { name }, query: { device, key: at } } })),
    enabled: !fresh,
    gcTime: 0,
  });
  return (
    <Modal opened onClose={onClose} title={fresh ? "New key" : at} size="lg">
      {fresh ? (
        <Edit name={name} device={device} at="" onClose={onClose} />
      ) : (
        <Loaded query={query} height={220}>
          {(v) => (
            <Edit name={name} device={device} at={at} value={v.value} time={v.time} revision={v.revision} onClose={onClose} />
          )}
        </Loaded>
      )}
    </Modal>
  );
}

interface EditProps {
  name: string;
  device: string;
  at: string;
  value?: string; // Base64
  time?: string;
  revision?: number;
  onClose: () => void;
}

// The revision goes along: what somebody else has written meanwhile is not overwritten unseen.
function Edit({ name, device, at, value, time, revision = 0, onClose }: EditProps) {
  const client = useQueryClient();
  const held = value === undefined ? "" : textOf(value);
  const [key, setKey] = useState(at);
  const [text, setText] = useState(held ?? "");
  useEffect(() => setText(held ?? ""), [held]);
  const done = () => {
    void client.invalidateQueries({ queryKey: ["state", name, device] });
    onClose();
  };
  const where = { params: { path: { name }, query: { device, key } } };
  const save = useMutation({
    mutationFn: () =>
      answer(api.PUT("/v1/applications/{name}/state/value", { ...where, body: { value: base64Of(text), revision } })),
    onSuccess: done,
  });
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/v1/applications/{name}/state/value", where)),
    onSuccess: done,
  });
  return (
    <Stack gap="sm">
      {at === "" && (
        <TextInput
          label="Key"
          placeholder="rooms/kitchen"
          data-autofocus
          spellCheck={false}
          value={key}
          onChange={(e) => setKey(e.currentTarget.value)}
        />
      )}
      {held === undefined ? (
        <pre className="text" aria-label="Value, in hexadecimal">
          {hexOf(value!)}
        </pre>
      ) : (
        <Textarea
          label="Value"
          autosize
          minRows={4}
          maxRows={18}
          classNames={{ input: "mono" }}
          spellCheck={false}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
      )}
      {time && (
        <Text size="xs" c="dimmed">
          Revision {revision}, changed <When at={time} />. A change takes away the time after which it expires.
        </Text>
      )}
      {(save.error ?? remove.error) && <Trouble error={(save.error ?? remove.error)!} title="Not changed" />}
      <Group justify="space-between">
        {at ? (
          <Button variant="default" color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            Delete
          </Button>
        ) : (
          <span />
        )}
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          {held !== undefined && (
            <Button loading={save.isPending} disabled={!key || (at !== "" && text === held)} onClick={() => save.mutate()}>
              Save
            </Button>
          )}
        </Group>
      </Group>
    </Stack>
  );
}

// Labels of a device, and a dialog that changes them.
import { ActionIcon, Button, Group, Modal, Stack, TagsInput, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPencil } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, type Device } from "../api/client";
import { labelsOf } from "../parts/labels";
import { Trouble } from "../parts/Trouble";
import { changesOf } from "./changes";

export function Labels({ device }: { device: Device }) {
  const [opened, { open, close }] = useDisclosure(false);
  const labels = labelsOf(device);
  return (
    <span className="labels">
      {labels.map((l) => (
        <span key={l} className="tag">
          {l}
        </span>
      ))}
      {labels.length === 0 && "none"}
      <ActionIcon variant="subtle" color="gray" size={24} aria-label="Edit labels" onClick={open}>
        <IconPencil size={14} />
      </ActionIcon>
      {opened && <Edit device={device} onClose={close} />}
    </span>
  );
}

function Edit({ device, onClose }: { device: Device; onClose: () => void }) {
  const client = useQueryClient();
  const [labels, setLabels] = useState(labelsOf(device));
  const save = useMutation({
    mutationFn: () =>
      answer(
        api.PATCH("/v1/devices/{id}", {
          params: { path: { id: device.id } },
          body: { labels: changesOf(device.labels ?? {}, labels) as Record<string, string> },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["devices"] });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Labels of ${device.id}`}>
      <Stack gap="sm">
        <TagsInput
          label="Labels"
          description="name or name=value; Enter adds one"
          placeholder="room=kitchen"
          data-autofocus
          value={labels}
          onChange={setLabels}
          acceptValueOnBlur
        />
        <Text size="xs" c="dimmed">
          They stay, whatever labels the agent is started with.
        </Text>
        {save.error && <Trouble error={save.error} title="Not changed" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={save.isPending} onClick={() => save.mutate()}>
            Save
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

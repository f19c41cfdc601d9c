// Delete asks before it takes an application away, and says what goes.
import { Button, Checkbox, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { answer, api, type Application } from "../api/client";
import { Trouble } from "../parts/Trouble";
import { count, listed } from "../parts/words";

export function Delete({ app, opened, onClose }: { app: Application; opened: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const [, go] = useLocation();
  const [versions, setVersions] = useState(true);
  const remove = useMutation({
    mutationFn: () =>
      answer(api.DELETE("/v1/applications/{name}", { params: { path: { name: app.name }, query: { versions } } })),
    onSuccess: () => {
      onClose();
      void client.invalidateQueries();
      if (versions) go("/applications");
    },
  });
  const where = app.placements.map((p) => p.device);
  return (
    <Modal opened={opened} onClose={onClose} title={`Delete ${app.name}?`}>
      <Stack gap="md">
        <Text size="sm">
          {where.length > 0 ? `It is stopped and taken off ${listed(where, "device")}.` : "It is on no device."}
        </Text>
        <Checkbox
          checked={versions}
          onChange={(e) => setVersions(e.currentTarget.checked)}
          label={`Delete its ${count(app.versions, "stored version")} too`}
          description="Otherwise they can be deployed again."
        />
        {remove.error && <Trouble error={remove.error} title="Not deleted" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button
            color="red"
            loading={remove.isPending}
            disabled={where.length === 0 && !versions}
            onClick={() => remove.mutate()}
          >
            Delete
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

// Publish sends one message on a topic of a device.
import { Button, Group, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { answer, api } from "../api/client";
import { Trouble } from "../parts/Trouble";

export function Publish({ device, suggested }: { device: string; suggested: string }) {
  const [topic, setTopic] = useState(suggested);
  const [payload, setPayload] = useState("");
  useEffect(() => setTopic(suggested), [suggested]);
  const publish = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/v1/devices/{id}/publish", { params: { path: { id: device } }, body: { topic, payload: base64(payload) } }),
      ),
  });
  return (
    <Stack component="section" className="card" p="md" gap="xs" aria-label="Publish">
      <Title order={2}>Publish</Title>
      <TextInput
        size="xs"
        label="Topic"
        placeholder="hello/request"
        value={topic}
        onChange={(e) => setTopic(e.currentTarget.value)}
        spellCheck={false}
      />
      <Textarea
        size="xs"
        label="Payload"
        placeholder='{"name": "Ada"}'
        autosize
        minRows={2}
        maxRows={10}
        classNames={{ input: "mono" }}
        value={payload}
        onChange={(e) => setPayload(e.currentTarget.value)}
        spellCheck={false}
      />
      <Group gap="sm">
        <Button
          size="xs"
          leftSection={<IconSend size={14} aria-hidden />}
          disabled={!topic || !device}
          loading={publish.isPending}
          onClick={() => publish.mutate()}
        >
          Publish
        </Button>
        <Text size="xs" c="dimmed" role="status">
          {publish.isSuccess && "Published"}
        </Text>
      </Group>
      {publish.error && <Trouble error={publish.error} title="Not published" />}
    </Stack>
  );
}

function base64(text: string): string {
  let binary = "";
  for (const b of new TextEncoder().encode(text)) binary += String.fromCharCode(b);
  return btoa(binary);
}

// Secret tells a password or token once: the server keeps only its hash.
import { Button, CopyButton, Group, Modal, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface SecretProps {
  title: string;
  what: string;
  secret: string;
  onClose: () => void;
  children: ReactNode;
}

export function Secret({ title, what, secret, onClose, children }: SecretProps) {
  return (
    <Modal opened onClose={onClose} title={title}>
      <Stack gap="sm">
        <Text size="sm">{children}</Text>
        <pre className="text breakable" aria-label={what}>
          {secret}
        </pre>
        <Group justify="flex-end">
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

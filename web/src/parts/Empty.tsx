// Empty stands where there is nothing yet, and says how something comes there.
import { Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" className="empty">
      <Title order={2}>{title}</Title>
      {children && (
        <Text c="dimmed" size="sm" ta="center" maw={440} component="div">
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}

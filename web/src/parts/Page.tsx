// Page is the frame of every page's content: title, what can be done, and a heading
// that gets the focus when the reader comes here, so that screen readers say where they are.
import { Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";

interface PageProps {
  title: string;
  heading?: ReactNode; // if it is more than the title
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, heading, note, actions, children }: PageProps) {
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Fescue`;
  }, [title]);
  useEffect(() => {
    if (!location.hash) head.current?.focus({ preventScroll: true });
  }, []);
  return (
    <Stack gap="lg" className="page">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} ref={head} tabIndex={-1} className="page-title">
            {heading ?? title}
          </Title>
          {note && (
            <Text c="dimmed" size="sm" mt={2} component="div">
              {note}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

// Act is a button that is an icon, with its name in words for those who ask.
import { ActionIcon, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";

export function Act({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size={30} aria-label={label} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

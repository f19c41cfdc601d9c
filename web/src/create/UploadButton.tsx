// UploadButton lets a person choose files or a folder. Chromium and Firefox give all files of a
// folder; where the browser cannot, it gives none.
import { Button, type ButtonProps } from "@mantine/core";
import { type ReactNode, useRef } from "react";
import type { Files } from "./archive";
import { filesOf } from "./upload";

interface UploadButtonProps extends ButtonProps {
  folder?: boolean;
  onFiles: (coming: Promise<Files>) => void;
  children: ReactNode;
}

export function UploadButton({ folder, onFiles, children, ...look }: UploadButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button {...look} onClick={() => input.current?.click()}>
        {children}
      </Button>
      <input
        ref={(element) => {
          input.current = element;
          if (folder) element?.setAttribute("webkitdirectory", "");
        }}
        type="file"
        multiple
        hidden
        data-testid={folder ? "folder" : "files"}
        onChange={(e) => {
          const chosen = [...(e.currentTarget.files ?? [])];
          e.currentTarget.value = ""; // so that the same file can be chosen again
          if (chosen.length > 0) onFiles(filesOf(chosen));
        }}
      />
    </>
  );
}

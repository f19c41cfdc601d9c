// Drop is a place on which files, a folder or an archive can be dropped.
import { type ReactNode, useState } from "react";
import type { Files } from "./archive";
import { dropped } from "./upload";

interface DropProps {
  label: string;
  className?: string;
  onFiles: (coming: Promise<Files>) => void;
  children: ReactNode;
}

export function Drop({ label, className, onFiles, children }: DropProps) {
  const [over, setOver] = useState(false);
  return (
    <div
      role="group"
      aria-label={label}
      className={className}
      data-over={over || undefined}
      onDragOver={(e) => {
        if (!e.dataTransfer.types.includes("Files")) return;
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        if (!e.dataTransfer.types.includes("Files")) return;
        e.preventDefault();
        setOver(false);
        onFiles(dropped(e.dataTransfer.items));
      }}
    >
      {children}
    </div>
  );
}

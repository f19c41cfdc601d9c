// FileList is the files of the artifact: choose, add, rename, remove, drop some in.
import { ActionIcon, Button, Group, Text, TextInput, Tooltip } from "@mantine/core";
import { IconFile, IconFilePlus, IconPencil, IconSettings, IconTrash, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import type { Files } from "./archive";
import { Trouble } from "../parts/Trouble";
import { Drop } from "./Drop";
import { configurationFile } from "./templates";
import { UploadButton } from "./UploadButton";

interface FileListProps {
  files: Files;
  chosen: string;
  onChoose: (path: string) => void;
  onChange: (files: Files, chosen?: string, config?: string) => void;
}

export function FileList({ files, chosen, onChoose, onChange }: FileListProps) {
  const [naming, setNaming] = useState<{ from: string; to: string }>();
  const [trouble, setTrouble] = useState<unknown>();
  const paths = Object.keys(files).sort();
  const fault = naming && faultOf(naming.to, naming.from, files);
  const done = () => {
    if (!naming || fault) return;
    const { [naming.from]: content, ...rest } = files;
    onChange({ ...rest, [naming.to]: naming.from ? content! : "" }, naming.to);
    setNaming(undefined);
  };
  const take = async (coming: Promise<Files>) => {
    setTrouble(undefined);
    try {
      const { [configurationFile]: config, ...came } = await coming;
      onChange({ ...files, ...came }, Object.keys(came)[0], typeof config === "string" ? config : undefined);
    } catch (e) {
      setTrouble(e);
    }
  };
  const remove = (path: string) => {
    const { [path]: _, ...rest } = files;
    onChange(rest, path === chosen ? configurationFile : chosen);
  };
  return (
    <Drop label="Files" className="file-list" onFiles={(coming) => void take(coming)}>
      <FileRow path={configurationFile} chosen={chosen} onChoose={onChoose} />
      {paths.map((path) => (
        <FileRow key={path} path={path} chosen={chosen} onChoose={onChoose}>
          <Act label={`Rename ${path}`} onClick={() => setNaming({ from: path, to: path })} icon={IconPencil} />
          <Act label={`Remove ${path}`} onClick={() => remove(path)} icon={IconTrash} />
        </FileRow>
      ))}
      {naming && (
        <TextInput
          size="xs"
          autoFocus
          aria-label={naming.from ? `New name of ${naming.from}` : "Name of the new file"}
          placeholder="folder/name.py"
          value={naming.to}
          error={naming.to ? fault : undefined}
          onChange={(e) => setNaming({ ...naming, to: e.currentTarget.value })}
          onKeyDown={(e) => {
            if (e.key === "Enter") done();
            if (e.key === "Escape") setNaming(undefined);
          }}
          onBlur={() => (naming.to && !fault ? done() : setNaming(undefined))}
        />
      )}
      <Group gap={4} mt={6}>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={<IconFilePlus size={14} aria-hidden />}
          onClick={() => setNaming({ from: "", to: "" })}
        >
          New file
        </Button>
        <UploadButton
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={<IconUpload size={14} aria-hidden />}
          onFiles={(coming) => void take(coming)}
        >
          Upload
        </UploadButton>
      </Group>
      <Text size="xs" c="dimmed" px={8}>
        or drop files here
      </Text>
      {trouble !== undefined && <Trouble error={trouble} title="These files cannot be read" />}
    </Drop>
  );
}

function faultOf(path: string, from: string, files: Files): string | undefined {
  if (!path) return "A file has a name.";
  if (path.startsWith("/") || path.split("/").some((part) => part === "" || part === "." || part === ".."))
    return "Write it as folder/name.py.";
  if (path !== from && (path in files || path === configurationFile)) return "There is such a file.";
  return undefined;
}

function FileRow({
  path,
  chosen,
  onChoose,
  children,
}: {
  path: string;
  chosen: string;
  onChoose: (p: string) => void;
  children?: React.ReactNode;
}) {
  const Icon = path === configurationFile ? IconSettings : IconFile;
  return (
    <div className="file" data-chosen={path === chosen || undefined}>
      <button type="button" onClick={() => onChoose(path)} aria-current={path === chosen ? "true" : undefined}>
        <Icon size={14} stroke={1.6} aria-hidden />
        <Text size="sm" truncate>
          {path}
        </Text>
      </button>
      {children}
    </div>
  );
}

function Act({ label, onClick, icon: Icon }: { label: string; onClick: () => void; icon: typeof IconTrash }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} onClick={onClick} className="file-act">
        <Icon size={13} />
      </ActionIcon>
    </Tooltip>
  );
}

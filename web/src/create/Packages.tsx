// Packages is the list of packages that the application needs, beside the keys that
// fescue.yaml has for them.
import { ActionIcon, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { Draft } from "./drafts";
import { isReadable, locked, type Manifest, manifestOf, npm } from "./packages";
import { change, read } from "./yaml";

type Edited = Pick<Draft, "config" | "files">;

interface PackagesProps extends Edited {
  onChange: (part: Partial<Edited>) => void;
}

export function Packages({ config, files, onChange }: PackagesProps) {
  const values = read(config);
  const manifest = manifestOf(String(values?.runtime ?? ""));
  if (!manifest) return null;
  const named = (values?.dependencies as Record<string, unknown> | undefined)?.[manifest.key];
  const file = typeof named === "string" && named ? named : manifest.file;
  const content = files[file] ?? "";
  if (typeof content !== "string" || !isReadable(manifest, content))
    return (
      <Text size="xs" c="dimmed">
        {file} cannot be read. Mend it in its own editor; the list follows.
      </Text>
    );
  // The file is named in the configuration with the first package, and no more with the last.
  const put = (text: string) => {
    const any = manifest.list(text).length > 0;
    const { [file]: _, ...rest } = files;
    onChange({
      files: text === "" ? rest : { ...files, [file]: text },
      config: any === (named === file) ? config : change(config, ["dependencies", manifest.key], any ? file : undefined),
    });
  };
  const lock = files["package-lock.json"];
  const unlocked = manifest === npm && named === file && !locked(content, typeof lock === "string" ? lock : undefined);
  return (
    <Stack gap={6}>
      <List key={file} manifest={manifest} content={content} onChange={put} />
      {unlocked && (
        <Text size="xs" className="status" data-tone="warn" style={{ whiteSpace: "normal" }}>
          npm installs exactly what package-lock.json says, and it does not say this. Make it with “npm install
          --package-lock-only” and upload it.
        </Text>
      )}
    </Stack>
  );
}

function List({ manifest, content, onChange }: { manifest: Manifest; content: string; onChange: (text: string) => void }) {
  const [added, setAdded] = useState("");
  const add = () => {
    if (added.trim()) onChange(manifest.put(content, undefined, added.trim()));
    setAdded("");
  };
  return (
    <>
      <Text size="xs" fw={600}>
        {manifest.what}
      </Text>
      {manifest.list(content).map((p) => (
        <Group key={p.at} gap="xs" wrap="nowrap">
          <Written text={p.text} onWrite={(text) => onChange(manifest.put(content, p.at, text))} />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${p.text}`}
            onClick={() => onChange(manifest.put(content, p.at, ""))}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ))}
      <Group gap="xs" wrap="nowrap">
        <TextInput
          className="grow"
          size="xs"
          aria-label={`New of the ${manifest.what}`}
          placeholder={manifest.example}
          value={added}
          spellCheck={false}
          onChange={(e) => setAdded(e.currentTarget.value)}
          onKeyDown={(e) => e.key === "Enter" && add()}
        />
        <Button size="compact-xs" variant="default" disabled={!added.trim()} onClick={add} aria-label="Add the package">
          Add
        </Button>
      </Group>
    </>
  );
}

// Written takes over what is typed when one has done: half a name is no package.
function Written({ text, onWrite }: { text: string; onWrite: (text: string) => void }) {
  const [typed, setTyped] = useState<string>();
  const done = () => {
    if (typed?.trim() && typed.trim() !== text) onWrite(typed.trim());
    setTyped(undefined);
  };
  return (
    <TextInput
      className="grow"
      size="xs"
      aria-label={`Package ${text}`}
      value={typed ?? text}
      spellCheck={false}
      onChange={(e) => setTyped(e.currentTarget.value)}
      onBlur={done}
      onKeyDown={(e) => e.key === "Enter" && done()}
    />
  );
}

// New: where an application begins: with a template, or with what is there already.
import { Button, Group, Stack, Text, TextInput, Title, UnstyledButton } from "@mantine/core";
import { IconFolderUp, IconUpload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { applications } from "../api/queries";
import { Page } from "../parts/Page";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import type { Files } from "./archive";
import { Drop } from "./Drop";
import { type Draft, drafts, newDraft, useDrafts } from "./drafts";
import { guess } from "./guess";
import { configurationFile, fill, type Template, templates } from "./templates";
import { UploadButton } from "./UploadButton";
import { Workbench } from "./Workbench";

export default function New() {
  const [start, setStart] = useState<Draft>();
  const draft = useDrafts()[newDraft];
  if (start) {
    return (
      <Page
        title="New application"
        actions={
          <Button variant="default" onClick={() => setStart(undefined)}>
            Begin differently
          </Button>
        }
      >
        <Workbench draftName={newDraft} start={start} />
      </Page>
    );
  }
  return (
    <Page title="New application">
      {draft && <Continue draft={draft} onContinue={() => setStart(draft)} />}
      <FromTemplate onStart={setStart} />
      <FromFiles onStart={setStart} />
    </Page>
  );
}

function Continue({ draft, onContinue }: { draft: Draft; onContinue: () => void }) {
  return (
    <Group className="card" p="md" justify="space-between">
      <Text size="sm">
        You began one <When at={draft.savedAt} /> and have not deployed it.
      </Text>
      <Group gap="xs">
        <Button size="compact-sm" onClick={onContinue}>
          Go on with it
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => drafts.drop(newDraft)}>
          Discard it
        </Button>
      </Group>
    </Group>
  );
}

const startWith = (config: string, files: Files): Draft => ({ config, files, base: "", savedAt: new Date().toISOString() });

const nameForm = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function FromTemplate({ onStart }: { onStart: (d: Draft) => void }) {
  const taken = useQuery(applications).data?.map((a) => a.name) ?? [];
  const [typed, setName] = useState<string>();
  const name = typed ?? freeName("hello", taken);
  const fault = !nameForm.test(name)
    ? "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit."
    : taken.includes(name)
      ? "There is an application of this name. Edit it, or choose another name."
      : undefined;
  return (
    <Stack component="section" gap="sm">
      <Title order={2}>From a template</Title>
      <TextInput label="Name" value={name} error={fault} onChange={(e) => setName(e.currentTarget.value)} maw={320} />
      <div className="tiles">
        {templates.map((t) => (
          <TemplateTile key={t.name} template={t} disabled={Boolean(fault)} onClick={() => onStart(begin(t, name))} />
        ))}
      </div>
    </Stack>
  );
}

function freeName(name: string, taken: string[]): string {
  let free = name;
  for (let i = 2; taken.includes(free); i++) free = `${name}-${i}`;
  return free;
}

function begin(template: Template, name: string): Draft {
  const { config, files } = fill(template, name);
  return startWith(config, files);
}

function TemplateTile({ template, disabled, onClick }: { template: Template; disabled: boolean; onClick: () => void }) {
  return (
    <UnstyledButton className="tile" disabled={disabled} onClick={onClick}>
      <Text fw={600}>{template.title}</Text>
      <Text size="sm" c="dimmed">
        {template.about || Object.keys(template.files).join(", ")}
      </Text>
    </UnstyledButton>
  );
}

function FromFiles({ onStart }: { onStart: (d: Draft) => void }) {
  const [error, setError] = useState<unknown>();
  const take = async (coming: Promise<Files>) => {
    setError(undefined);
    try {
      const { [configurationFile]: config, ...rest } = await coming;
      onStart(startWith(typeof config === "string" ? config : guess(rest), rest));
    } catch (e) {
      setError(e);
    }
  };
  return (
    <Stack component="section" gap="sm">
      <Title order={2}>From files</Title>
      <Drop label="Drop files" className="drop" onFiles={(coming) => void take(coming)}>
        <Text size="sm" ta="center">
          Drop a folder, files, an archive (zip, tar, tar.gz) or a WebAssembly module here
        </Text>
        <Group gap="xs" justify="center">
          <UploadButton
            folder
            variant="default"
            size="xs"
            leftSection={<IconFolderUp size={15} aria-hidden />}
            onFiles={(coming) => void take(coming)}
          >
            Choose a folder
          </UploadButton>
          <UploadButton
            variant="default"
            size="xs"
            leftSection={<IconUpload size={15} aria-hidden />}
            onFiles={(coming) => void take(coming)}
          >
            Choose files
          </UploadButton>
        </Group>
      </Drop>
      {error !== undefined && <Trouble error={error} title="These files cannot be read" />}
    </Stack>
  );
}

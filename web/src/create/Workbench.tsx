// Workbench is where an application is written: its files, its configuration as form
// and text, what is wrong with it, and its deployment.
import { Alert, Button, Group, Text } from "@mantine/core";
import { IconRocket } from "@tabler/icons-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { failureOf, type Fault } from "../api/failure";
import { Progress } from "../deployments/Progress";
import { Status } from "../parts/Status";
import { Trouble } from "../parts/Trouble";
import { bytes, count } from "../parts/words";
import type { Files } from "./archive";
import { Code } from "./Code";
import { Configuration } from "./Configuration";
import { useDeploy } from "./deploy";
import { DeviceChoice } from "./DeviceChoice";
import { type Draft, drafts } from "./drafts";
import { FileList } from "./FileList";
import { Packages } from "./Packages";
import { configurationFile } from "./templates";
import { TrialPanel } from "./TrialPanel";
import { sizeOf } from "./upload";
import { useCheck } from "./useCheck";
import { change, nextVersion, read } from "./yaml";

interface WorkbenchProps {
  draftName: string;
  start: Draft;
  devices?: string[]; // where the application is
}

export function Workbench({ draftName, start, devices: there = [] }: WorkbenchProps) {
  const { draft, edit: put, forget, kept } = useDraft(draftName, start);
  const { config, files } = draft;
  const [chosen, setChosen] = useState(
    () => Object.keys(files).find((f) => /\.(py|js|mjs|java|cpp|c)$/.test(f)) ?? configurationFile,
  );
  const [where, setWhere] = useState(there);
  const [syntax, setSyntax] = useState<Record<string, number>>({});
  const check = useCheck(config);
  const deploy = useDeploy();
  const faults = deploy.error ? (failureOf(deploy.error).problem.faults ?? check.data?.faults ?? []) : (check.data?.faults ?? []);
  // What is deployed is stored and does not change: the next edit is the next version.
  const edit = (part: Partial<Draft>) =>
    put(deploy.data ? { ...part, config: raised(part.config ?? config, deploy.data.version) } : part);
  const configure = (text: string) => {
    if (deploy.error) deploy.reset();
    edit({ config: text });
  };
  const broken = Object.entries(syntax).filter(([path, n]) => n > 0 && path in files);
  return (
    <div className="bench">
      <Group gap="xs">
        <div className="grow">
          <Verdict faults={faults} broken={broken.map(([path]) => path)} checked={check.current} onChoose={setChosen} />
        </div>
        <DeviceChoice value={where} onChange={setWhere} />
        <Button
          leftSection={<IconRocket size={16} aria-hidden />}
          loading={deploy.isPending}
          disabled={faults.length > 0 && !deploy.error}
          onClick={() => deploy.mutate({ config, files, devices: where }, { onSuccess: forget })}
        >
          Deploy
        </Button>
      </Group>
      {check.error && (
        <Trouble error={check.error} title="The configuration could not be checked" onRetry={() => void check.refetch()} />
      )}
      {!kept && <NotKept files={files} />}
      {deploy.error && <Refused error={deploy.error} config={config} onChange={configure} />}
      {deploy.data && (
        <Deployed
          id={deploy.data.id}
          name={deploy.data.name}
          version={deploy.data.version}
          devices={deploy.data.devices.map((d) => d.device)}
        />
      )}
      <div className="bench-panes">
        <FileList
          files={files}
          chosen={chosen}
          onChoose={setChosen}
          onChange={(files, next, config) => {
            edit(config === undefined ? { files } : { files, config });
            if (next) setChosen(next);
          }}
        />
        {chosen === configurationFile || !(chosen in files) ? (
          <Configuration
            text={config}
            faults={faults}
            onChange={configure}
            packages={<Packages config={config} files={files} onChange={edit} />}
          />
        ) : (
          <FilePane
            key={chosen}
            path={chosen}
            content={files[chosen]!}
            onChange={(text) => edit({ files: { ...files, [chosen]: text } })}
            onSyntax={(n) => setSyntax((was) => (was[chosen] === n ? was : { ...was, [chosen]: n }))}
          />
        )}
      </div>
      {check.data?.configuration?.handler && faults.length === 0 && (
        <TrialPanel name={check.data.configuration.name} config={config} files={files} device={where[0] ?? ""} />
      )}
      {check.data?.warnings.map((w) => (
        <Text key={w} size="sm" className="status" data-tone="warn">
          {w}
        </Text>
      ))}
    </div>
  );
}

function raised(config: string, stored: string): string {
  return read(config)?.version === stored ? change(config, ["version"], nextVersion(stored)) : config;
}

// useDraft holds what is written, and keeps it in the browser shortly after each change.
function useDraft(name: string, start: Draft) {
  const [draft, setDraft] = useState(start);
  const [kept, setKept] = useState(true);
  const dirty = useRef(false);
  const edit = useCallback((part: Partial<Draft>) => {
    dirty.current = true;
    setDraft((was) => ({ ...was, ...part }));
  }, []);
  useEffect(() => {
    if (!dirty.current) return;
    const keep = () => {
      if (!dirty.current) return;
      dirty.current = false;
      setKept(drafts.put(name, { ...draft, savedAt: new Date().toISOString() }));
    };
    const timer = setTimeout(keep, 400);
    window.addEventListener("pagehide", keep);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pagehide", keep);
    };
  }, [draft, name]);
  const forget = () => {
    dirty.current = false;
    drafts.drop(name);
  };
  return { draft, edit, forget, kept };
}

interface VerdictProps {
  faults: Fault[];
  broken: string[];
  checked: boolean;
  onChoose: (path: string) => void;
}

function Verdict({ faults, broken, checked, onChoose }: VerdictProps) {
  if (faults.length > 0) {
    const f = faults[0]!;
    return (
      <button type="button" className="verdict" onClick={() => onChoose(configurationFile)}>
        <Status state="failed">
          {count(faults.length, "fault")} in {configurationFile}
          {f.line ? `, line ${f.line}` : ""}
        </Status>
      </button>
    );
  }
  if (broken.length > 0) {
    return (
      <button type="button" className="verdict" onClick={() => onChoose(broken[0]!)}>
        <Status state="failed">{broken[0]} has a syntax error</Status>
      </button>
    );
  }
  return checked ? <Status state="succeeded">Checked, no faults</Status> : <Status state="queued">Checking</Status>;
}

function NotKept({ files }: { files: Files }) {
  return (
    <Alert color="yellow" variant="outline" className="trouble" title="These edits are in this tab only">
      The browser has no room to keep {bytes(sizeOf(files))}. They are lost when the tab is closed, unless you deploy.
    </Alert>
  );
}

// A version that is stored does not change: the usual way out is the next number.
function Refused({ error, config, onChange }: { error: unknown; config: string; onChange: (text: string) => void }) {
  const version = String(read(config)?.version ?? "");
  const next = nextVersion(version);
  const taken = failureOf(error).problem.code === "conflict" && next !== version;
  return (
    <div>
      <Trouble error={error} title="Not deployed" />
      {taken && (
        <Button size="compact-sm" variant="default" mt="xs" onClick={() => onChange(change(config, ["version"], next))}>
          Make it version {next}
        </Button>
      )}
    </div>
  );
}

function Deployed({ id, name, version, devices }: { id: number; name: string; version: string; devices: string[] }) {
  return (
    <section aria-label="Deployment">
      <Group justify="space-between" mb="xs">
        <Text fw={600}>
          Deploying {name} {version}
        </Text>
        <Group gap="md">
          <Link href={`/deployments/${id}`}>Deployment {id}</Link>
          <Link href={`/applications/${name}`}>To {name}</Link>
        </Group>
      </Group>
      <Progress id={id} devices={devices} />
    </section>
  );
}

interface FilePaneProps {
  path: string;
  content: Files[string];
  onChange: (text: string) => void;
  onSyntax: (problems: number) => void;
}

function FilePane({ path, content, onChange, onSyntax }: FilePaneProps) {
  if (typeof content !== "string") {
    return (
      <Text size="sm" c="dimmed" p="md">
        {path} is not text ({bytes(Math.round((content.base64.length / 4) * 3))}). It is deployed as it is.
      </Text>
    );
  }
  return <Code path={path} label={`Text of ${path}`} value={content} onChange={onChange} onSyntax={onSyntax} />;
}

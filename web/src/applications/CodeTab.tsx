// CodeTab shows the files of a stored version, as they are on devices.
import { Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ApplicationVersion } from "../api/client";
import { versions } from "../api/queries";
import type { Files } from "../create/archive";
import { artifactFiles } from "../create/artifact";
import { Code } from "../create/Code";
import { configurationFile } from "../create/templates";
import { Loaded } from "../parts/Loaded";
import { Pick } from "../parts/Pick";

export function CodeTab({ name }: { name: string }) {
  const query = useQuery(versions(name));
  const [chosen, setChosen] = useState("");
  return (
    <Loaded query={query} height={420}>
      {(all) => {
        const version = all.find((v) => v.version === chosen) ?? all[0];
        if (!version) return null;
        return (
          <Stack gap="sm">
            <Group>
              <Pick label="Version" value={version.version} onChange={setChosen} data={all.map((v) => v.version)} />
            </Group>
            <FilesOf key={version.version} version={version} />
          </Stack>
        );
      }}
    </Loaded>
  );
}

function FilesOf({ version }: { version: ApplicationVersion }) {
  const query = useQuery(artifactFiles(version.artifact));
  return (
    <Loaded query={query} height={420}>
      {(files) => <Shown files={{ ...files, [configurationFile]: version.text }} />}
    </Loaded>
  );
}

function Shown({ files }: { files: Files }) {
  const paths = [
    configurationFile,
    ...Object.keys(files)
      .filter((p) => p !== configurationFile)
      .sort(),
  ];
  const [path, setPath] = useState(paths[1] ?? configurationFile);
  const content = files[path];
  return (
    <div className="bench-panes">
      <nav aria-label="Files">
        {paths.map((p) => (
          <div className="file" key={p} data-chosen={p === path || undefined}>
            <button type="button" onClick={() => setPath(p)} aria-current={p === path ? "true" : undefined}>
              {p}
            </button>
          </div>
        ))}
      </nav>
      {typeof content === "string" ? (
        <Code key={path} path={path} label={`Text of ${path}`} value={content} readOnly />
      ) : (
        <p className="faint">{path} is not text.</p>
      )}
    </div>
  );
}

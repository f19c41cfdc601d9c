// Compare shows what differs between two versions, configuration and files.
import { Group, NativeSelect, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import type { ApplicationVersion } from "../api/client";
import type { Files } from "../create/archive";
import { artifactFiles } from "../create/artifact";
import { configurationFile } from "../create/templates";
import { Trouble } from "../parts/Trouble";
import { differences } from "./differences";

const DiffView = lazy(() => import("./DiffView"));

export function Compare({ all, running }: { all: ApplicationVersion[]; running?: string }) {
  const [from, setFrom] = useState(running && running !== all[0]!.version ? running : all[1]!.version);
  const [to, setTo] = useState(all[0]!.version);
  const names = all.map((v) => v.version);
  const [a, b] = [all.find((v) => v.version === from), all.find((v) => v.version === to)];
  return (
    <Stack component="section" gap="sm">
      <Group gap="sm">
        <Title order={2}>Compare</Title>
        <NativeSelect
          aria-label="From version"
          size="xs"
          value={from}
          onChange={(e) => setFrom(e.currentTarget.value)}
          data={names}
        />
        <Text size="sm">with</Text>
        <NativeSelect aria-label="To version" size="xs" value={to} onChange={(e) => setTo(e.currentTarget.value)} data={names} />
      </Group>
      {a && b && <Between a={a} b={b} />}
    </Stack>
  );
}

// Between is everything that differs.
export function Between({ a, b }: { a: ApplicationVersion; b: ApplicationVersion }) {
  const [left, right] = [useQuery(artifactFiles(a.artifact)), useQuery(artifactFiles(b.artifact))];
  const failed = [left, right].find((q) => q.error);
  if (failed) return <Trouble error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!left.data || !right.data) return <Skeleton height={160} />;
  const filesOf = (v: ApplicationVersion, files: Files): Files => ({ ...files, [configurationFile]: v.text });
  const found = differences(filesOf(a, left.data), filesOf(b, right.data));
  if (found.length === 0) return <Text size="sm">They are the same.</Text>;
  return (
    <Stack gap="md">
      {found.map((d) => (
        <div key={d.path}>
          <Text size="sm" fw={600} mb={4}>
            {d.path} <span className="tag">{d.kind}</span>
          </Text>
          {d.kind !== "binary" && (
            <Suspense fallback={<Skeleton height={120} />}>
              <DiffView path={d.path} from={d.from} to={d.to} />
            </Suspense>
          )}
        </div>
      ))}
    </Stack>
  );
}

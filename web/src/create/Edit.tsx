// Edit: the newest version of an application, or the draft that was begun of it.
import { Anchor, Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { application, versions } from "../api/queries";
import { Page } from "../parts/Page";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { artifactFiles } from "./artifact";
import { type Draft, drafts, useDrafts } from "./drafts";
import { configurationFile } from "./templates";
import { Workbench } from "./Workbench";
import { change, nextVersion } from "./yaml";

export default function Edit({ name }: { name: string }) {
  const [began] = useState(() => drafts.all()[name]);
  const current = useDrafts()[name];
  const [fresh, setFresh] = useState(0);
  const start = useStart(name, fresh === 0 ? began : undefined);
  const placed = useQuery(application(name));
  const title = `Edit ${name}`;
  return (
    <Page
      title={title}
      note={
        current ? (
          <>
            Edits not deployed, kept in this browser <When at={current.savedAt} />.
          </>
        ) : (
          <Anchor component={Link} href={`/applications/${name}`} size="sm">
            Back to {name}
          </Anchor>
        )
      }
      actions={
        current && (
          <Button
            variant="default"
            onClick={() => {
              drafts.drop(name);
              setFresh(fresh + 1);
            }}
          >
            Discard edits
          </Button>
        )
      }
    >
      {start.error ? (
        <Trouble error={start.error} onRetry={start.retry} />
      ) : start.draft && !placed.isPending ? (
        <Workbench
          key={fresh}
          draftName={name}
          start={start.draft}
          devices={placed.data?.placements.map((p) => p.device) ?? []}
        />
      ) : (
        <Skeleton height={480} />
      )}
    </Page>
  );
}

// useStart is what the workbench begins with: a draft, or the newest version with its number raised.
function useStart(name: string, draft: Draft | undefined) {
  const newest = useQuery({ ...versions(name), select: (all) => all[0], enabled: !draft });
  const digest = newest.data?.artifact ?? "";
  const files = useQuery({ ...artifactFiles(digest), enabled: !draft && digest !== "" });
  const [start, setStart] = useState<Draft>();
  if (draft) return { draft, error: null, retry: () => {} };
  if (!start && newest.data && files.data) {
    const { [configurationFile]: _, ...rest } = files.data;
    const config = change(newest.data.text, ["version"], nextVersion(newest.data.version));
    setStart({ config, files: rest, base: digest, savedAt: new Date().toISOString() });
  }
  const failed = newest.error ? newest : files;
  return { draft: start, error: failed.error, retry: () => void failed.refetch() };
}

// Applications: the list, with how each is on its devices and what is not deployed.
import { Button, Group } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { Application } from "../api/client";
import { applications } from "../api/queries";
import { type Draft, newDraft, useDrafts } from "../create/drafts";
import { Empty } from "../parts/Empty";
import { countBy, Groups } from "../parts/Groups";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Search } from "../parts/Search";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { When } from "../parts/When";
import { count } from "../parts/words";
import { runningVersions, summary, undeployed } from "./state";

const columns: Column<Application>[] = [
  { name: "Name", width: "minmax(110px, 2fr)", cell: (a) => <Name app={a} /> },
  { name: "State", width: "minmax(96px, 1fr)", cell: (a) => <State app={a} /> },
  { name: "On", width: "minmax(90px, 1fr)", from: "sm", cell: (a) => summary(a.placements).detail },
  { name: "Version", width: "minmax(80px, 1fr)", from: "sm", cell: (a) => runningVersions(a.placements).join(", ") || "–" },
  { name: "Not deployed", width: "minmax(150px, 1.2fr)", from: "md", cell: (a) => <Undeployed app={a} /> },
  { name: "Changed", width: "minmax(110px, 1fr)", from: "md", cell: (a) => <When at={a.updatedAt} /> },
];

export default function Applications() {
  const query = useQuery(applications);
  const begun = useDrafts()[newDraft];
  return (
    <Page
      title="Applications"
      note={query.data && query.data.length > 0 ? count(query.data.length, "application") : undefined}
      actions={
        <Button component={Link} href="/new" leftSection={<IconPlus size={16} aria-hidden />}>
          New application
        </Button>
      }
    >
      {begun && <Begun draft={begun} />}
      <Loaded query={query} height={220}>
        {(all) =>
          all.length === 0 ? (
            <Empty
              title="No applications yet"
              action={
                <Button component={Link} href="/new" variant="default" mt="xs">
                  Write your first function
                </Button>
              }
            >
              An application is a piece of code with a small configuration: what it is called for, which topics it may use, what
              it may take.
            </Empty>
          ) : (
            <List all={all} />
          )
        }
      </Loaded>
    </Page>
  );
}

function List({ all }: { all: Application[] }) {
  const [search, setSearch] = useState("");
  const [state, setState] = useState("");
  const text = search.trim().toLowerCase();
  const found = all.filter((a) => a.name.includes(text));
  const rows = state ? found.filter((a) => summary(a.placements).state === state) : found;
  return (
    <>
      {all.length > 8 && (
        <Group gap="sm">
          <Search label="Search applications" value={search} onChange={setSearch} />
          <Groups
            label="By state"
            counts={countBy(found, (a) => summary(a.placements).state)}
            value={state}
            onChange={setState}
          />
        </Group>
      )}
      <Table label="Applications" columns={columns} rows={rows} id={(a) => a.name} to={(a) => `/applications/${a.name}`} />
    </>
  );
}

// Begun is an application that is in this browser only.
function Begun({ draft }: { draft: Draft }) {
  return (
    <Group className="card" px="md" py="sm" gap="sm">
      <Status state="unsaved" tone="busy">
        A new application, begun <When at={draft.savedAt} />, is not deployed.
      </Status>
      <Link href="/new">Go on with it</Link>
    </Group>
  );
}

function State({ app }: { app: Application }) {
  const { state, tone } = summary(app.placements);
  return <Status state={state} tone={tone} />;
}

// Name carries what the column of undeployed edits says where there is no room for it.
const Name = ({ app }: { app: Application }) => {
  const draft = useDrafts()[app.name];
  const behind = undeployed(app) || draft;
  return (
    <>
      {app.name}
      {behind && (
        <span className="mark" data-tone={draft ? "busy" : "warn"} title="Edits are not deployed">
          <span className="unseen">, edits not deployed</span>
        </span>
      )}
    </>
  );
};

// Edits that are nowhere deployed must not be overlooked: a version that was stored
// only, and a draft that is in this browser only.
export function Undeployed({ app }: { app: Application }) {
  const draft = useDrafts()[app.name];
  const version = undeployed(app);
  return (
    <>
      {version && (
        <span className="tag" data-tone="warn">
          {version} not deployed
        </span>
      )}{" "}
      {draft && (
        <Link href={`/applications/${app.name}/edit`} className="tag" data-tone="busy">
          unsaved edits
        </Link>
      )}
    </>
  );
}

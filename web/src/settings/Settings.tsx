// Settings: how the console looks, what the server is, and the session.
import { Anchor, Button, Group, SegmentedControl, Stack, Text, Title, useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSession, useSignOut } from "../app/session";
import { server } from "../api/queries";
import { Loaded } from "../parts/Loaded";
import { Page } from "../parts/Page";
import { Trouble } from "../parts/Trouble";
import { number } from "../parts/words";
import { Credentials } from "./Credentials";
import { Tokens } from "./Tokens";

export default function Settings() {
  return (
    <Page title="Settings">
      <Appearance />
      <SessionCard />
      <Server />
      <Tokens />
      <Credentials />
    </Page>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Stack component="section" className="card" p="lg" gap="sm">
      <Title order={2}>Appearance</Title>
      <Group>
        <SegmentedControl
          aria-label="Colours"
          value={colorScheme}
          onChange={(value) => setColorScheme(value as "light" | "dark" | "auto")}
          data={[
            { value: "auto", label: "As the system" },
            { value: "light", label: "Light" },
            { value: "dark", label: "Dark" },
          ]}
        />
      </Group>
      <Text size="sm" c="dimmed">
        Times are in this browser’s zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}.
      </Text>
    </Stack>
  );
}

function Server() {
  const query = useQuery(server);
  return (
    <Stack component="section" className="card" p="lg" gap="sm">
      <Title order={2}>Server</Title>
      <Loaded query={query} height={228}>
        {(info) => (
          <dl className="facts">
            <dt>Version</dt>
            <dd>{info.version}</dd>
            <dt>Platform</dt>
            <dd>{info.platform}</dd>
            <dt>Database</dt>
            <dd>{info.database === "sqlite" ? "SQLite, in the state directory" : "PostgreSQL"}</dd>
            {Object.entries(info.counts).map(([what, n]) => (
              <Count key={what} what={what} n={n} />
            ))}
          </dl>
        )}
      </Loaded>
      <Group gap="md">
        <Anchor size="sm" href="/docs" target="_blank">
          API
        </Anchor>
        <Anchor size="sm" href="/openapi.yaml" target="_blank">
          openapi.yaml
        </Anchor>
        <Anchor size="sm" href="/v1/schema/fescue.json" target="_blank">
          Schema of fescue.yaml
        </Anchor>
        <Anchor size="sm" href="/docs/errors" target="_blank">
          Errors
        </Anchor>
      </Group>
    </Stack>
  );
}

const Count = ({ what, n }: { what: string; n: number }) => (
  <>
    <dt>{what[0]!.toUpperCase() + what.slice(1)}</dt>
    <dd>{number(n)}</dd>
  </>
);

function SessionCard() {
  const session = useSession();
  const signOut = useSignOut();
  return (
    <Stack component="section" className="card" p="lg" gap="sm" align="flex-start">
      <Title order={2}>Session</Title>
      <Text size="sm">
        Signed in with the role <strong>{session.data?.role}</strong>. The session ends a week after it began, when you sign out,
        or when the token it was opened with is replaced: remove the file <code>server/admin-token</code> and restart the server
        for that.
      </Text>
      {signOut.error && <Trouble error={signOut.error} title="Not signed out" />}
      <Button variant="default" onClick={() => signOut.mutate()} loading={signOut.isPending}>
        Sign out
      </Button>
    </Stack>
  );
}
